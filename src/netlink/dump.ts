/** Everything of one kind that the kernel has, over a netlink socket. */
import { errnoName, SystemCallError } from "../sys/errors.ts";
import type { NetlinkSocket } from "../sys/netlink-socket.ts";
import { readReplies } from "./reader.ts";

type Socket = Pick<NetlinkSocket, "send" | "receive">;

/**
 * What `read` makes of each message of the type `wanted` that answers `request`, a message with NLM_F_DUMP.
 * Payloads may be kept. Throws SystemCallError; `what` is for its reader.
 */
export function dumpAll<T>(
  socket: Socket,
  request: Buffer,
  { what, wanted }: { readonly what: string; readonly wanted: number },
  read: (payload: Buffer) => T | undefined,
): T[] {
  socket.send(request);
  const found: T[] = [];
  for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
    // The datagram's octets are overwritten by the next receive, and the findings are views of them.
    for (const reply of readReplies(Buffer.from(datagram))) {
      if (reply.kind === "done") return found;
      if (reply.kind === "error")
        throw new SystemCallError(`dump of ${what}`, reply.errno, errnoName(reply.errno));
      const item = reply.type === wanted ? read(reply.payload) : undefined;
      if (item !== undefined) found.push(item);
    }
  }
  return found;
}
