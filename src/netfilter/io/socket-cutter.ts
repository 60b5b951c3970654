/**
 * Ends sockets of this network namespace whose flow may not continue, whatever process they belong to. A
 * blocked reader wakes up with ECONNABORTED; otherwise an idle flow would stay open until its next packet.
 *
 * Conntrack's mark says whether the policy had let a flow out. Callers' flows, our own lookups and loopback
 * have other marks, and are never touched. Conntrack forgets flows that are silent for long; then the socket
 * itself has to show it. It must not be ours, must lead out of this namespace, and must have a port of its
 * own: a caller's shares that of the listening socket.
 *
 * Known limit: a socket bound to such a port is left, and nothing passes on it either. A socket that has sent
 * nothing yet looks the same. One for lookups is left: lookups all come to us, whatever their address.
 */
import { NETLINK_NETFILTER, NETLINK_SOCK_DIAG } from "../../netlink/constants.ts";
import { EIO, ENOENT } from "../../sys/libc.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { type RequestSocket, openRequestSocket } from "../../sys/netlink-socket.ts";
import { generationOf } from "../flow-marks.ts";
import { CT_NEW, getConntrack, readFlow, type TrackedFlow } from "../wire/conntrack.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { listSockets } from "./list-sockets.ts";
import {
  type ConnectedSocket,
  encodeSocketDestroy,
  encodeSocketDump,
  encodeWaitingDump,
  SOCKET_KINDS,
  type SocketKind,
} from "../../netlink/socket-diag.ts";

/**
 * Sockets that it checks before lookups get their turn: half a millisecond if conntrack has to look up each.
 */
const SOCKETS_PER_TURN = 64;
const LOOKUP_PORT = 53;

export interface CutRule {
  /**
   * Whether nothing lets packets out to this address (4 octets or 16) and port, by a protocol's number.
   * Called once or twice a socket, and right before it ends one.
   */
  readonly isDenied: (address: Uint8Array, protocol: number, port: number) => boolean;
  /** Flows that it has admitted continue. */
  readonly generation: () => number;
  /** Of our own sockets, which nobody else has. */
  readonly ownMark: number;
  /** Whether the address, 4 octets or 16, is this namespace's. */
  readonly isLocal: (address: Uint8Array) => boolean;
}

/**
 * Opened in the current network namespace. Each call throws SystemCallError; then close it. Keep it open
 * otherwise: the kernel closes a netfilter socket only once it has freed all that past transactions took out,
 * after up to 30 ms.
 */
export interface SocketCutter {
  /**
   * Ends connected TCP and UDP sockets with a denied far end, and returns how many. It ends a socket if an
   * earlier generation had admitted its flow, or conntrack has forgotten it. It costs some microseconds a
   * socket, in slices.
   */
  cut(rule: CutRule): Promise<number>;
  /** Throws with code ENOTSUP or EPERM if the kernel ends no sockets for us. Ends none. */
  check(): void;
  close(): void;
}

/** Opens it. Throws SystemCallError. */
export function openSocketCutter(): SocketCutter {
  const listing = openRequestSocket(NETLINK_SOCK_DIAG, { bufferOctets: 1 << 20 });
  const ending = openRequestSocket(NETLINK_SOCK_DIAG, { bufferOctets: 1 << 16 });
  const tracking = openRequestSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  const findFlow = createFlowFinder(tracking);
  const end = createEnder(ending);

  async function cutKind(kind: SocketKind, rule: CutRule): Promise<number> {
    let [cut, looked] = [0, 0];
    const forgotten: ConnectedSocket[] = [];
    for (const socket of listSockets(listing, kind, encodeSocketDump)) {
      // Only our own next call overwrites the receive buffer, and a round makes one at a time.
      const isDenied = rule.isDenied(socket.remote, kind.protocol, socket.remotePort);
      const verdict = isDenied ? judgeFlow(findFlow(kind.protocol, socket), { kind, socket, rule }) : "fine";
      if (verdict === "denied") cut += end(kind, socket.id);
      else if (verdict === "forgotten" && mayBeOutward(socket, rule)) forgotten.push(copyOf(socket));
      if (++looked % SOCKETS_PER_TURN === 0) await nextTurn();
    }
    return cut + (forgotten.length === 0 ? 0 : await cutForgotten(kind, forgotten, rule));
  }

  async function cutForgotten(
    kind: SocketKind,
    sockets: readonly ConnectedSocket[],
    rule: CutRule,
  ): Promise<number> {
    const callersPorts = new Set<number>();
    for (const { localPort } of listSockets(listing, kind, encodeWaitingDump)) callersPorts.add(localPort);
    let [cut, looked] = [0, 0];
    for (const socket of sockets) {
      const isDenied = !callersPorts.has(socket.localPort) && isDeniedNow(kind, socket, rule);
      if (isDenied) cut += end(kind, socket.id);
      if (++looked % SOCKETS_PER_TURN === 0) await nextTurn();
    }
    return cut;
  }

  return {
    async cut(rule) {
      let cut = 0;
      for (const kind of SOCKET_KINDS) {
        cut += await cutKind(kind, rule);
        // Even for hardly any socket the kernel has searched its whole table.
        await nextTurn();
      }
      return cut;
    },
    check() {
      // No socket has this id, so a kernel that can end sockets answers ENOENT.
      const [tcp] = SOCKET_KINDS;
      if (tcp === undefined) return;
      end(tcp, Buffer.alloc(48));
    },
    close() {
      for (const socket of [listing, ending, tracking]) socket.close();
    },
  };
}

/** How many it has ended: none if the socket is gone already. */
function createEnder(socket: RequestSocket): (kind: SocketKind, id: Buffer) => number {
  return (kind, id) => {
    socket.send(encodeSocketDestroy(kind, 1, id));
    return acknowledged(socket, "SOCK_DESTROY") ? 1 : 0;
  };
}

function createFlowFinder(socket: RequestSocket) {
  const writer = createNetlinkWriter(256);
  return (protocol: number, one: ConnectedSocket): TrackedFlow | undefined => {
    writer.reset();
    getConntrack(writer, 1, {
      source: one.local,
      destination: one.remote,
      sourcePort: one.localPort,
      destinationPort: one.remotePort,
      protocol,
    });
    socket.send(writer.written());
    for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
      for (const reply of readReplies(datagram)) {
        if (reply.kind === "error") return failUnlessMissing("conntrack get", reply.errno);
        if (reply.kind === "message" && reply.type === CT_NEW) return readFlow(reply.payload);
      }
    }
    return undefined;
  };
}

/** False if the socket is gone already. */
function acknowledged(socket: RequestSocket, call: string): boolean {
  for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
    for (const reply of readReplies(datagram)) {
      if (reply.kind !== "error") continue;
      failUnlessMissing(call, reply.errno);
      return reply.errno === 0;
    }
  }
  throw new SystemCallError(call, EIO, "no answer");
}

function failUnlessMissing(call: string, errno: number): undefined {
  if (errno !== 0 && errno !== ENOENT) throw new SystemCallError(call, errno, errnoName(errno));
}

/** What conntrack says of a socket's flow, or what it means that conntrack has no entry. */
function judgeFlow(
  flow: TrackedFlow | undefined,
  {
    kind,
    socket,
    rule,
  }: { readonly kind: SocketKind; readonly socket: ConnectedSocket; readonly rule: CutRule },
): "denied" | "forgotten" | "fine" {
  if (flow === undefined) return "forgotten";
  const admitted = generationOf(flow.mark);
  const isOlder = admitted !== undefined && admitted !== rule.generation();
  if (!flow.opener.equals(socket.local) || !isOlder) return "fine";
  return rule.isDenied(flow.answerer, kind.protocol, socket.remotePort) ? "denied" : "fine";
}

function isDeniedNow(kind: SocketKind, { remote, remotePort }: ConnectedSocket, rule: CutRule): boolean {
  return rule.isDenied(remote, kind.protocol, remotePort);
}

function mayBeOutward({ mark, remote, remotePort }: ConnectedSocket, { ownMark, isLocal }: CutRule): boolean {
  return mark !== ownMark && remotePort !== LOOKUP_PORT && !isLocal(remote);
}

/** The part that outlives the message it came in. */
function copyOf({ local, remote, id, ...rest }: ConnectedSocket): ConnectedSocket {
  return { ...rest, local: Buffer.from(local), remote: Buffer.from(remote), id: Buffer.from(id) };
}
