/**
 * The rules that name the set of awaited answers, see `chains/awaited-answer.ts`.
 *
 *     add @SET { ct id . tcp ackseq . meta priority }                     ct load id reg 1 | payload 4 @ transport + 8 reg 9 |
 *                                                                         meta load priority reg 10 | dynset add reg 1 set SET
 *     ct id . tcp sequence . tcp ackseq @SET                              ct load id reg 1 | payload 4 @ transport + 4 reg 9 |
 *       delete @SET { ct id . tcp sequence . tcp ackseq } goto CHAIN      payload 4 @ transport + 8 reg 10 | lookup reg 1 set SET |
 *                                                                         dynset delete reg 1 set SET | immediate verdict goto CHAIN
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { CT_KEY } from "./constants.ts";
import { appendRule, type ChainName, expression, goTo, loadCt, loadMeta, REGISTER } from "./expressions.ts";
import { flushChain } from "./generation-rule.ts";
import { BASE, loadPayload, META_KEY } from "./matches.ts";

/** The same room as {@link REGISTER}, four octets each: the second and the third of them. */
const [SECOND, THIRD] = [9, 10];
const SEQUENCE = { base: BASE.transport, offset: 4, octets: 4 } as const;
const ACKNOWLEDGED = { base: BASE.transport, offset: 8, octets: 4 } as const;
const LOOKUP = { set: 1, source: 2 } as const;
const DYNSET = { set: 1, operation: 3, key: 4 } as const;
const DYNSET_OPERATION = { add: 0, delete: 2 } as const;

/** Makes the chain hold the rule that puts what a hello awaits into the set. */
export function writeAwait(writer: NetlinkWriter, next: () => number, chain: ChainName, set: string): void {
  flushChain(writer, next(), chain);
  const expressions = (): void => {
    loadCt(writer, CT_KEY.id);
    loadPayload(writer, ACKNOWLEDGED, SECOND);
    loadMeta(writer, META_KEY.priority, THIRD);
    change(writer, set, "add");
  };
  appendRule(writer, next(), chain, { expressions });
}

/** Makes the chain hold the rule that takes an answer out of the set, and goes on with the chain `found`. */
export function writeAwaited(
  writer: NetlinkWriter,
  next: () => number,
  chain: ChainName,
  { set, found }: { readonly set: string; readonly found: string },
): void {
  flushChain(writer, next(), chain);
  const expressions = (): void => {
    loadCt(writer, CT_KEY.id);
    loadPayload(writer, SEQUENCE, SECOND);
    loadPayload(writer, ACKNOWLEDGED, THIRD);
    expression(writer, "lookup", () => {
      writer.text(LOOKUP.set, set);
      writer.number32(LOOKUP.source, REGISTER);
    });
    change(writer, set, "delete");
    goTo(writer, found);
  };
  appendRule(writer, next(), chain, { expressions });
}

function change(writer: NetlinkWriter, set: string, operation: keyof typeof DYNSET_OPERATION): void {
  expression(writer, "dynset", () => {
    writer.text(DYNSET.set, set);
    writer.number32(DYNSET.operation, DYNSET_OPERATION[operation]);
    writer.number32(DYNSET.key, REGISTER);
  });
}
