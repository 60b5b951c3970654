/**
 * A named counter on the wire: what `nft list counter` says.
 *
 *     NFT_MSG_GETOBJ  nfgenmsg, table, name, type
 *     NFT_MSG_NEWOBJ  nfgenmsg, table, name, type, data { octets:8 packets:8 } ...
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { NFGENMSG } from "./constants.ts";
import { NLM_F_REQUEST } from "../../netlink/constants.ts";
import { readAttributes } from "../../netlink/reader.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET, nftMessage } from "./set-element.ts";

export const NFT_MSG_NEWOBJ = nftMessage(18);
const NFT_MSG_GETOBJ = nftMessage(19);
const OBJECT = { table: 1, name: 2, type: 3, data: 4 } as const;
const COUNTER = 1;
const COUNTED_PACKETS = 2;

/** Which counter of which table of family `inet`. */
export interface CounterName {
  readonly table: string;
  readonly counter: string;
}

export function askCounter(writer: NetlinkWriter, sequence: number, { table, counter }: CounterName): void {
  const message = writer.begin(NFT_MSG_GETOBJ, NLM_F_REQUEST, sequence, NFPROTO_INET, 0);
  writer.text(OBJECT.table, table);
  writer.text(OBJECT.name, counter);
  writer.number32(OBJECT.type, COUNTER);
  writer.end(message);
}

/** Packets that the counter of one NFT_MSG_NEWOBJ payload has counted; undefined if it is no counter. */
export function readCountedPackets(payload: Buffer): number | undefined {
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type !== OBJECT.data) continue;
    for (const { type: inner, value: number } of readAttributes(value))
      if (inner === COUNTED_PACKETS && number.length === 8) return Number(number.readBigUInt64BE());
  }
  return undefined;
}
