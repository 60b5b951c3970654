import { ENOENT } from "../../sys/libc.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import type { RequestSocket } from "../../sys/netlink-socket.ts";
import { readReplies } from "../../netlink/reader.ts";
import {
  type ConnectedSocket,
  IPPROTO_TCP,
  readSocket,
  SOCK_DIAG_BY_FAMILY,
  type SocketKind,
} from "../../netlink/socket-diag.ts";
import { AF_INET6 } from "../../sys/socket-address.ts";

/**
 * The sockets of a kind that a dump over a sock_diag socket gives; each is valid until the next one is asked
 * for. The kernel searches its whole table, which takes a millisecond however few there are. Throws
 * SystemCallError.
 */
export function* listSockets(
  diag: RequestSocket,
  kind: SocketKind,
  encodeDump: (kind: SocketKind, sequence: number) => Buffer,
): Generator<ConnectedSocket, void, undefined> {
  diag.send(encodeDump(kind, 1));
  for (let datagram = diag.receive(); datagram; datagram = diag.receive()) {
    for (const reply of readReplies(datagram)) {
      if (reply.kind === "done") return;
      if (reply.kind === "error") {
        failUnlessKindIsMissing(kind, reply.errno);
        return;
      }
      const socket = reply.type === SOCK_DIAG_BY_FAMILY ? readSocket(reply.payload) : undefined;
      if (socket !== undefined) yield socket;
    }
  }
}

/** A kernel without IPv6, or without the monitor of UDP sockets, has no sockets of that kind to list. */
function failUnlessKindIsMissing(kind: SocketKind, errno: number): void {
  const mayMiss = kind.family === AF_INET6 || kind.protocol !== IPPROTO_TCP;
  if (!(mayMiss && errno === ENOENT)) throw new SystemCallError("sock_diag", errno, errnoName(errno));
}
