/**
 * A table that gives packets of some addresses the machine's own on their way out, as nft(8) encodes it:
 *
 *     table inet NAME {
 *       flags owner
 *       chain postrouting { type nat hook postrouting priority srcnat; policy accept;
 *         ip saddr ADDRESS masquerade
 *         ip6 saddr ADDRESS masquerade
 *       }
 *     }
 *
 * With an owner it goes with the socket that has made it, and `nft flush ruleset` of others leaves it (Linux
 * 5.12).
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { appendRule, expression } from "./expressions.ts";
import { BASE, matchMeta, matchPayload, META_KEY, NFPROTO } from "./matches.ts";
import { addChain, addTable } from "./tables.ts";

/** NF_IP_PRI_NAT_SRC (linux/netfilter_ipv4.h). */
const SRCNAT = 100;
const CHAIN = "postrouting";
const SOURCE_OFFSET = { 4: 12, 6: 8 } as const;

/** `sources` have 4 or 16 octets; `next` gives the sequence numbers. */
export function writeMasqueradeTable(
  writer: NetlinkWriter,
  next: () => number,
  { name, sources }: { readonly name: string; readonly sources: readonly Uint8Array[] },
  ownership: "owned" | "left",
): void {
  addTable(writer, next(), name, ownership);
  addChain(writer, next(), {
    table: name,
    name: CHAIN,
    type: "nat",
    hook: "postrouting",
    priority: SRCNAT,
  });
  for (const source of sources) {
    const expressions = (): void => masquerade(writer, source);
    appendRule(writer, next(), { table: name, chain: CHAIN }, { expressions });
  }
}

function masquerade(writer: NetlinkWriter, source: Uint8Array): void {
  const family = source.length === 4 ? 4 : 6;
  matchMeta(writer, META_KEY.nfproto, Uint8Array.of(NFPROTO[family]));
  matchPayload(writer, BASE.network, SOURCE_OFFSET[family], source);
  expression(writer, "masq", () => undefined);
}
