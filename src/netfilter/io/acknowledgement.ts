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
 * The batch is in force once its last message has been acknowledged without an error before it: the kernel tells errors and acknowledgements in
 * the order of the messages, and a failed commit ahead of them. It has queued all of them before `send` returned.
 */
export function awaitAcknowledgement(receive: () => Buffer | undefined, lastSequence: number): void {
  for (let datagram = receive(); datagram; datagram = receive()) {
    for (const reply of readReplies(datagram)) {
      if (reply.kind !== "error") continue;
      if (reply.errno !== 0) {
        drain(receive);
        throw new NetlinkRefusal(errnoName(reply.errno));
      }
      if (reply.sequence === lastSequence) return;
    }
  }
  throw new NetlinkRefusal("EIO");
}

function drain(receive: () => Buffer | undefined): void {
  while (receive()) continue;
}
