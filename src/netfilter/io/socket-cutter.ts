/**
 * Ends sockets of this network namespace whose flow may not go on, whoever they belong to: a reader that is blocked wakes up with
 * ECONNABORTED, where an idle flow would otherwise stay open until its next packet.
 *
 * Whether a flow is one that the policy had let out is asked of conntrack, whose mark says so: what callers opened, our own lookups
 * and loopback have other marks, and are never touched. Known limit: a flow that conntrack does not know is left to its next packet.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { CT_NEW, getConntrack, readFlow, type TrackedFlow } from "../wire/conntrack.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import {
  AF_INET6,
  type ConnectedSocket,
  encodeSocketDestroy,
  encodeSocketDump,
  IPPROTO_TCP,
  readSocket,
  SOCK_DIAG_BY_FAMILY,
  SOCKET_KINDS,
  type SocketKind,
} from "../../netlink/socket-diag.ts";

const NETLINK_NETFILTER = 12;
const NETLINK_SOCK_DIAG = 4;
const ENOENT = 2;
/** Sockets that are looked at before lookups get their turn: half a millisecond where each has to be looked up in conntrack. */
const SOCKETS_PER_TURN = 64;
/** A mark above it is no generation. */
const LAST_GENERATION = 2 ** 31 - 1;

export interface CutRule {
  /** Whether nothing lets packets to this address out; 4 octets or 16. Called once or twice a socket, and right before one is ended. */
  readonly isDenied: (address: Uint8Array) => boolean;
  /** Flows that it has admitted go on. */
  readonly generation: () => number;
}

/**
 * Opened in the current network namespace. Each call throws SystemCallError, and it is then to be closed. Best kept open: the kernel closes
 * a netfilter socket only when all that past transactions took out is freed, after up to 30 ms.
 */
export interface SocketCutter {
  /**
   * Ends every connected TCP and UDP socket whose far end is denied and whose flow an earlier generation had admitted, and returns how
   * many. Costs some microseconds a socket, in slices.
   */
  cut(rule: CutRule): Promise<number>;
  /** Throws with code ENOTSUP or EPERM where the kernel ends no sockets for us. Ends none. */
  check(): void;
  close(): void;
}

/** Opens it. Throws SystemCallError. */
export function openSocketCutter(): SocketCutter {
  const listing = openNetlinkSocket(NETLINK_SOCK_DIAG, { bufferOctets: 1 << 20 });
  const ending = openNetlinkSocket(NETLINK_SOCK_DIAG, { bufferOctets: 1 << 16 });
  const tracking = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  const findFlow = createFlowFinder(tracking);

  function cutSocket(kind: SocketKind, socket: ConnectedSocket, { isDenied, generation }: CutRule): boolean {
    if (!isDenied(socket.remote)) return false;
    const flow = findFlow(kind.protocol, socket);
    if (flow === undefined || !flow.opener.equals(socket.local)) return false;
    const isOlder = flow.mark !== 0 && flow.mark <= LAST_GENERATION && flow.mark !== generation();
    if (!isOlder || !isDenied(flow.answerer)) return false;
    ending.send(encodeSocketDestroy(kind, 1, socket.id));
    return acknowledged(ending, "SOCK_DESTROY");
  }

  async function cutKind(kind: SocketKind, rule: CutRule): Promise<number> {
    let [cut, looked] = [0, 0];
    listing.send(encodeSocketDump(kind, 1));
    for (let datagram = listing.receive(); datagram; datagram = listing.receive()) {
      // The receive buffer is overwritten only by our own next call, and a round has one at a time.
      for (const reply of readReplies(datagram)) {
        if (reply.kind === "done") return cut;
        if (reply.kind === "error") return ignoreMissingKind(kind, reply.errno, cut);
        const socket = reply.type === SOCK_DIAG_BY_FAMILY ? readSocket(reply.payload) : undefined;
        if (socket === undefined) continue;
        if (cutSocket(kind, socket, rule)) cut += 1;
        if (++looked % SOCKETS_PER_TURN === 0) await nextTurn();
      }
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
      ending.send(encodeSocketDestroy(tcp, 1, Buffer.alloc(48)));
      acknowledged(ending, "SOCK_DESTROY");
    },
    close() {
      for (const socket of [listing, ending, tracking]) socket.close();
    },
  };
}

function createFlowFinder(socket: NetlinkSocket) {
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
function acknowledged(socket: NetlinkSocket, call: string): boolean {
  for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
    for (const reply of readReplies(datagram)) {
      if (reply.kind !== "error") continue;
      failUnlessMissing(call, reply.errno);
      return reply.errno === 0;
    }
  }
  throw new SystemCallError(call, 5, "no answer");
}

function failUnlessMissing(call: string, errno: number): undefined {
  if (errno !== 0 && errno !== ENOENT) throw new SystemCallError(call, errno, errnoName(errno));
}

/** A kernel without IPv6, or without the monitor of UDP sockets, has none of that kind to tell of. */
function ignoreMissingKind(kind: SocketKind, errno: number, cut: number): number {
  const mayMiss = kind.family === AF_INET6 || kind.protocol !== IPPROTO_TCP;
  if (!(mayMiss && errno === ENOENT)) throw new SystemCallError("sock_diag", errno, errnoName(errno));
  return cut;
}
