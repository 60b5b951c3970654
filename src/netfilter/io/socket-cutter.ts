/**
 * Ends sockets of this network namespace whose flow may not go on, whoever they belong to: a reader that is
 * blocked wakes up with ECONNABORTED, where an idle flow would otherwise stay open until its next packet.
 *
 * Whether a flow is one that the policy had let out is asked of conntrack, whose mark says so: what callers
 * opened, our own lookups and loopback have other marks, and are never touched. Conntrack forgets flows that
 * are silent for long; then the socket itself has to tell: it is not ours, does not lead to this namespace,
 * and has a port of its own, where a caller's shares that of the socket that waits for callers. Known limit:
 * one that binds such a port is left; nothing passes on it either. A socket that has sent nothing yet looks
 * the same; one for lookups, which all come to us whatever their address, is left.
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
 * Sockets that are looked at before lookups get their turn: half a millisecond where each has to be looked up
 * in conntrack.
 */
const SOCKETS_PER_TURN = 64;
const LOOKUP_PORT = 53;

export interface CutRule {
  /**
   * Whether nothing lets packets to this address, 4 octets or 16, and port out, by a protocol's number.
   * Called once or twice a socket, and right before one is ended.
   */
  readonly isDenied: (address: Uint8Array, protocol: number, port: number) => boolean;
  /** Flows that it has admitted go on. */
  readonly generation: () => number;
  /** Of our own sockets, which nobody else has. */
  readonly ownMark: number;
  /** Whether the address, 4 octets or 16, is this namespace's. */
  readonly isLocal: (address: Uint8Array) => boolean;
}

/**
 * Opened in the current network namespace. Each call throws SystemCallError, and it is then to be closed.
 * Best kept open: the kernel closes a netfilter socket only when all that past transactions took out is
 * freed, after up to 30 ms.
 */
export interface SocketCutter {
  /**
   * Ends every connected TCP and UDP socket whose far end is denied and whose flow an earlier generation had
   * admitted, or conntrack has forgotten, and returns how many. Costs some microseconds a socket, in slices.
   */
  cut(rule: CutRule): Promise<number>;
  /** Throws with code ENOTSUP or EPERM where the kernel ends no sockets for us. Ends none. */
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
      // The receive buffer is overwritten only by our own next call, and a round has one at a time.
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
        // Even where there is hardly a socket, the kernel has gone through its whole table for it.
        await nextTurn();
      }
      return cut;
    },
    check() {
      // No socket has this id, so a kernel that would end one says ENOENT.
      const [tcp] = SOCKET_KINDS;
      if (tcp === undefined) return;
      end(tcp, Buffer.alloc(48));
    },
    close() {
      for (const socket of [listing, ending, tracking]) socket.close();
    },
  };
}

/** How many it has ended: none where the socket is gone already. */
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

/** False where the socket is gone already. */
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

/** What conntrack says of a socket's flow, or what its silence means. */
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

/** What outlives the message that told of it. */
function copyOf({ local, remote, id, ...rest }: ConnectedSocket): ConnectedSocket {
  return { ...rest, local: Buffer.from(local), remote: Buffer.from(remote), id: Buffer.from(id) };
}
