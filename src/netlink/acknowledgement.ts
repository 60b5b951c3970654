import { errnoName, SystemCallError } from "../sys/errors.ts";
import { NetlinkError } from "./errors.ts";
import { behindError, errnoAt, findError, sequenceAt } from "./reader.ts";

/**
 * The batch is in force once its last message has been acknowledged without an error before it. The kernel
 * reports errors and acknowledgements in the order of the messages, and a failed commit ahead of them. It has
 * queued all of them before `send` returned. If some found no room (ENOBUFS) they may have been errors, so
 * the batch counts as refused. Nothing is left over for the next one.
 */
export function awaitAcknowledgement(receive: () => Buffer | undefined, lastSequence: number): void {
  let refusal: string | undefined;
  let isOverrun = false;
  for (;;) {
    try {
      for (let datagram = receive(); datagram; datagram = receive()) {
        for (let at = findError(datagram, 0); at >= 0; at = findError(datagram, behindError(datagram, at))) {
          const errno = errnoAt(datagram, at);
          if (errno !== 0) refusal ??= errnoName(errno);
          else if (sequenceAt(datagram, at) === lastSequence && refusal === undefined && !isOverrun) return;
        }
      }
      throw new NetlinkError(refusal ?? (isOverrun ? "ENOBUFS" : "EIO"));
    } catch (error) {
      // The kernel tells it once, before what it had room for.
      if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
      isOverrun = true;
    }
  }
}
