import { errnoName } from "../../sys/errors.ts";
import type { NetlinkSocket } from "../../sys/netlink-socket.ts";
import { readReplies } from "../wire/netlink-reader.ts";
import type { NetlinkWriter } from "../wire/netlink-writer.ts";
import { type HeldElement, readElements } from "../wire/read-element.ts";
import { dumpElements, NFT_MSG_NEWSETELEM, type SetName } from "../wire/set-element.ts";
import { NetlinkRefusal } from "./acknowledgement.ts";

/** Every element that the kernel holds in the set now. Throws NetlinkRefusal (`ENOENT`: there is no such set) and SystemCallError. */
export function dumpSet(
  socket: NetlinkSocket,
  writer: NetlinkWriter,
  sequence: number,
  set: SetName,
): HeldElement[] {
  writer.reset();
  dumpElements(writer, sequence, set);
  socket.send(writer.written());
  writer.reset();
  const elements: HeldElement[] = [];
  for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
    for (const reply of readReplies(datagram)) {
      if (reply.kind === "done") return elements;
      if (reply.kind === "error") throw new NetlinkRefusal(errnoName(reply.errno));
      if (reply.type === NFT_MSG_NEWSETELEM) elements.push(...readElements(reply.payload));
    }
  }
  throw new NetlinkRefusal("EIO");
}
