import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../netlink/writer.ts";
import type { NetlinkSocket } from "../../sys/netlink-socket.ts";
import { beginBatch, endBatch } from "../wire/set-element.ts";

/**
 * One transaction: all of what `write` writes, or nothing; `next` gives the sequence numbers. Throws
 * NetlinkError, SystemCallError.
 */
export function sendBatch(
  socket: Pick<NetlinkSocket, "send" | "receive">,
  write: (writer: NetlinkWriter, next: () => number) => void,
): void {
  const writer = createNetlinkWriter(4096);
  let sequence = 0;
  beginBatch(writer, ++sequence);
  write(writer, () => ++sequence);
  const last = sequence;
  endBatch(writer, ++sequence);
  socket.send(writer.written());
  awaitAcknowledgement(socket.receive, last);
}
