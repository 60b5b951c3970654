import { errnoName } from "../../sys/errors.ts";
import { readReplies } from "../wire/netlink-reader.ts";

/** The kernel refused a batch; nothing of it is in force. `code` is errno's name. */
export class NetlinkRefusal extends Error {
  readonly code: string;

  constructor(code: string) {
    super(`the kernel refused a batch: ${code}`);
    this.name = "NetlinkRefusal";
    this.code = code;
  }
}

/**
 * Every message asks for an acknowledgement, so the batch is in force once the last message has its own, and no message has
 * an error. The kernel has queued all of them before `send` returned.
 */
export function awaitAcknowledgement(receive: () => Buffer | undefined, lastSequence: number): void {
  let acknowledged = false;
  for (let datagram = receive(); datagram; datagram = receive()) {
    for (const reply of readReplies(datagram)) {
      if (reply.kind !== "error") continue;
      if (reply.errno !== 0) {
        drain(receive);
        throw new NetlinkRefusal(errnoName(reply.errno));
      }
      acknowledged ||= reply.sequence === lastSequence;
    }
  }
  if (!acknowledged) throw new NetlinkRefusal("EIO");
}

function drain(receive: () => Buffer | undefined): void {
  while (receive()) continue;
}
