import { renderAddress, renderIpv6 } from "../../policy/address.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { TABLE } from "../kernel-names.ts";
import type { Endpoint } from "../ruleset-input.ts";
import { readReplies } from "../wire/netlink-reader.ts";
import { createNetlinkWriter } from "../wire/netlink-writer.ts";
import { readElements } from "../wire/read-element.ts";
import { dumpElements, NFT_MSG_NEWSETELEM } from "../wire/set-element.ts";

const NETLINK_NETFILTER = 12;
const ENOENT = 2;

/**
 * The upstreams of the ruleset that an earlier process has left, in no order; none where there is no such ruleset. The
 * workload can't write them, unlike resolv.conf, which it may share with us. Throws SystemCallError.
 */
export function readUpstreamsInForce(): readonly Endpoint[] {
  return [...readSet("upstream_v4", 4), ...readSet("upstream_v6", 16)];
}

/** A key is the address and, in four octets, the port in network order and two zeros. */
function readSet(set: string, addressOctets: 4 | 16): readonly Endpoint[] {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  const found: Endpoint[] = [];
  try {
    const writer = createNetlinkWriter(64);
    dumpElements(writer, 1, { table: TABLE, set });
    socket.send(writer.written());
    for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
      for (const reply of readReplies(datagram)) {
        if (reply.kind === "done") return found;
        if (reply.kind === "error") {
          if (reply.errno === ENOENT) return [];
          throw new SystemCallError(`dump of ${set}`, reply.errno, errnoName(reply.errno));
        }
        if (reply.type !== NFT_MSG_NEWSETELEM) continue;
        for (const { key } of readElements(reply.payload)) {
          if (key.length !== addressOctets + 4) continue;
          const octets = key.subarray(0, addressOctets);
          const address = addressOctets === 4 ? renderAddress(octets) : renderIpv6(octets);
          found.push({ address, port: key.readUInt16BE(addressOctets) });
        }
      }
    }
    return found;
  } finally {
    socket.close();
  }
}
