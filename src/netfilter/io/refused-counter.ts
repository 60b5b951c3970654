import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { ENOENT } from "../../sys/libc.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { REFUSED_COUNTER, TABLE } from "../kernel-names.ts";
import { askCounter, NFT_MSG_NEWOBJ, readCountedPackets } from "../wire/named-counter.ts";

export interface RefusedCounter {
  /**
   * Connections that the kernel has refused since its counter was made; undefined if there is no counter.
   * About 10 us. Throws SystemCallError.
   */
  read(): number | undefined;
  close(): void;
}

/** Opens it, or another one of our table, in the current network namespace. Throws SystemCallError. */
export function openRefusedCounter(name: string = REFUSED_COUNTER): RefusedCounter {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  const writer = createNetlinkWriter(128);
  return {
    read() {
      writer.reset();
      askCounter(writer, 1, { table: TABLE, counter: name });
      socket.send(writer.written());
      let counted: number | undefined;
      for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
        for (const reply of readReplies(datagram)) {
          if (reply.kind === "message" && reply.type === NFT_MSG_NEWOBJ)
            counted = readCountedPackets(reply.payload);
          if (reply.kind === "error" && reply.errno !== 0 && reply.errno !== ENOENT)
            throw new SystemCallError("NFT_MSG_GETOBJ", reply.errno, errnoName(reply.errno));
        }
      }
      return counted;
    },
    close: socket.close,
  };
}
