import { NetlinkError } from "../../netlink/errors.ts";
import { errnoName } from "../../sys/errors.ts";
import type { RequestSocket } from "../../sys/netlink-socket.ts";
import { readReplies } from "../../netlink/reader.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { type RawElement, readElements } from "../wire/read-element.ts";
import { dumpElements, NFT_MSG_NEWSETELEM, type SetName } from "../wire/set-element.ts";

/**
 * Every element that the kernel holds in the set now, about a hundred at a time. Until the last part the
 * socket serves nothing else. For each part the kernel steps over all earlier ones: 0.4 ms for the first of
 * 100,000 elements, 5 ms for the last. Throws NetlinkError (`ENOENT`: there is no such set) and
 * SystemCallError.
 */
export function* dumpSet(
  socket: RequestSocket,
  writer: NetlinkWriter,
  sequence: number,
  set: SetName,
): Generator<RawElement[], void, undefined> {
  writer.reset();
  dumpElements(writer, sequence, set);
  socket.send(writer.written());
  writer.reset();
  for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
    const part: RawElement[] = [];
    for (const reply of readReplies(datagram)) {
      if (reply.kind === "error") throw new NetlinkError(errnoName(reply.errno));
      if (reply.kind === "message" && reply.type === NFT_MSG_NEWSETELEM)
        part.push(...readElements(reply.payload));
      if (reply.kind !== "done") continue;
      yield part;
      return;
    }
    yield part;
  }
  throw new NetlinkError("EIO");
}
