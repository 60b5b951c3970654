/**
 * Conntrack entries on the wire, as far as they tell whom we talk to: the destination of a flow's first packet.
 *
 *     IPCTNL_MSG_CT_NEW  nfgenmsg, tuple { ip { v4-src v4-dst | v6-src v6-dst } ... } ...
 *
 * Source: linux/netfilter/nfnetlink_conntrack.h.
 */
import { readAttributes } from "./netlink-reader.ts";
import type { NetlinkWriter } from "./netlink-writer.ts";

const NFNL_SUBSYS_CTNETLINK = 1;
export const CT_NEW = NFNL_SUBSYS_CTNETLINK << 8;
const CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
const NLM_F_REQUEST = 0x1;
const NLM_F_DUMP = 0x300;
const NFGENMSG = 4;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_IP = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_DST = 4;

/** Asks for every entry of both families. */
export function dumpConntrack(writer: NetlinkWriter, sequence: number): void {
  writer.end(writer.begin(CT_GET, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0, 0));
}

/** The destination of the flow's first packet, 4 or 16 octets; a view into the payload. */
export function readDestination(payload: Buffer): Buffer | undefined {
  for (const tuple of readAttributes(payload, NFGENMSG)) {
    if (tuple.type !== CTA_TUPLE_ORIG) continue;
    for (const part of readAttributes(tuple.value)) {
      if (part.type !== CTA_TUPLE_IP) continue;
      for (const { type, value } of readAttributes(part.value)) {
        if (type === CTA_IP_V4_DST || type === CTA_IP_V6_DST) return value;
      }
    }
  }
  return undefined;
}
