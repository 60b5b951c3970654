import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { renderAddress, renderIpv6 } from "../../policy/address.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { FROM_SETTING, TABLE } from "../kernel-names.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { type Endpoint } from "../../sys/socket-address.ts";
import type { HeldElement } from "../learned-set.ts";

import { dumpSet } from "./dump-set.ts";

/**
 * The upstreams that an earlier process had from resolv.conf, as its ruleset holds them, in no order. None if
 * there is no such ruleset, or if a setting named them. The workload cannot write them, unlike resolv.conf,
 * which it may share with us. Throws SystemCallError and NetlinkError.
 */
export function readFoundUpstreams(): readonly Endpoint[] {
  return [...readSet("upstream_v4", 4), ...readSet("upstream_v6", 16)];
}

/**
 * A key is the address, then four octets with the port in network order and two zeros. The comment has a
 * link-local one's interfaces.
 */
function readSet(set: string, addressOctets: 4 | 16): readonly Endpoint[] {
  return dumpIfThere(set)
    .filter(({ key, comment }) => key.length === addressOctets + 4 && comment !== FROM_SETTING)
    .flatMap(({ key, comment }) => {
      const octets = key.subarray(0, addressOctets);
      const address = addressOctets === 4 ? renderAddress(octets) : renderIpv6(octets);
      const port = key.readUInt16BE(addressOctets);
      if (comment === "") return [{ address, port }];
      return comment.split(" ").map((zone) => ({ address: `${address}%${zone}`, port }));
    });
}

function dumpIfThere(set: string): readonly HeldElement[] {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 16 });
  try {
    return [...dumpSet(socket, createNetlinkWriter(64), 1, { table: TABLE, set })].flat();
  } catch (error) {
    if (error instanceof NetlinkError && error.code === "ENOENT") return [];
    throw error;
  } finally {
    socket.close();
  }
}
