/**
 * A rule that hands packets to a queue, in its two forms. If nobody listens they are dropped, or with
 * `bypass` go on with the next rule.
 *
 *     queue num N                native: queue { num:2 total:2 flags:2 }, in network order
 *     (shown as queue num N)     xtables' target through nft_compat, for kernels without the expression (CONFIG_NFT_QUEUE):
 *                                target { name "NFQUEUE", revision:4 3, info { num:2 total:2 flags:2 pad:2 } }, the info in host order
 *
 * Source: linux/netfilter/nf_tables.h, linux/netfilter/nf_tables_compat.h, linux/netfilter/xt_NFQUEUE.h.
 */
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { appendRule, type ChainName, expression } from "./expressions.ts";

const QUEUE = { number: 1, total: 2, flags: 3 } as const;
/** The same of both forms. */
const BYPASS = 1;
const TARGET = { name: 1, revision: 2, info: 3 } as const;
const REVISION = 3;
/** Of xt_NFQ_info_v3, as xtables aligns it. */
const INFO_OCTETS = 8;

export type QueueRuleForm = "native" | "xtables";

export interface QueueRule {
  readonly queue: number;
  readonly form: QueueRuleForm;
  /** Default false. */
  readonly bypass?: boolean;
}

/** Appends it. */
export function appendQueue(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  { queue, form, bypass = false }: QueueRule,
): void {
  const flags = bypass ? BYPASS : 0;
  const expressions = (): void =>
    form === "native" ? writeNative(writer, queue, flags) : writeTarget(writer, queue, flags);
  appendRule(writer, sequence, chain, { expressions });
}

function writeNative(writer: NetlinkWriter, queue: number, flags: number): void {
  expression(writer, "queue", () => {
    writer.octets(QUEUE.number, Uint8Array.of(queue >>> 8, queue & 255));
    writer.octets(QUEUE.total, Uint8Array.of(0, 1));
    if (flags !== 0) writer.octets(QUEUE.flags, Uint8Array.of(0, flags));
  });
}

function writeTarget(writer: NetlinkWriter, queue: number, flags: number): void {
  expression(writer, "target", () => {
    writer.text(TARGET.name, "NFQUEUE");
    writer.number32(TARGET.revision, REVISION);
    const info = Buffer.alloc(INFO_OCTETS);
    info.writeUInt16LE(queue, 0);
    info.writeUInt16LE(1, 2);
    info.writeUInt16LE(flags, 4);
    writer.octets(TARGET.info, info);
  });
}
