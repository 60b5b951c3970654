/**
 * A table that leads flows to the interceptor, as nft(8) encodes it:
 *
 *     table inet opensandbox_intercept {
 *       flags owner
 *       chain output { type nat hook output priority -105; policy accept;
 *         meta l4proto tcp ct mark 0x80000002 redirect to :PORT }
 *       chain input { type filter hook input priority -10; policy accept;
 *         tcp dport PORT ct mark != 0x80000002 reject with tcp reset }
 *       chain answers { type filter hook output priority -5; policy accept;
 *         ct mark 0x80000002 ct direction reply meta skgid != GROUP drop }
 *     }
 *
 * The mark is set by the ruleset alone (`chains/intercept-chains.ts`), between whose chain of NAT and others'
 * redirects, at -100, this one stands. So the interceptor is reached by these flows only, and nobody else
 * answers in the name of a bound host. The kernel removes the table when the socket that has made it is
 * closed (Linux 5.12): the ruleset then refuses what has the mark, so whoever takes the port of a process
 * that has gone is led nobody.
 *
 * Source: linux/netfilter/nf_tables.h, linux/netfilter/nf_conntrack_tuple_common.h.
 */
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { INTERCEPTED_FLOW } from "../chains/intercept-chains.ts";
import { INTERCEPT_TABLE } from "../kernel-names.ts";
import { CT, CT_KEY, TCP } from "./constants.ts";
import { appendRule, compare, expression, hostOrder, load, OPERATOR, REGISTER } from "./expressions.ts";
import { matchMeta, META_KEY } from "./matches.ts";
import { dropOfOthers, matchTcpPort, portOctets, rejectWithReset } from "./redirect-rules.ts";
import { addChain, addTable, type BaseChain, deleteTable } from "./tables.ts";

export interface InterceptRedirect {
  /** Where the interceptor listens, at 127.0.0.1 and ::1. */
  readonly port: number;
  /** The group of its sockets; undefined if they have none of their own. */
  readonly group: number | undefined;
}

const DIRECTION_REPLY = Uint8Array.of(1);
const REDIRECT_FROM = 1;

type WriteRule = (writer: NetlinkWriter) => void;

/**
 * Writes the table anew, and removes one that an earlier process has left; `next` gives the sequence numbers.
 */
export function writeInterceptTable(
  writer: NetlinkWriter,
  next: () => number,
  redirect: InterceptRedirect,
  ownership: "owned" | "left",
): void {
  // Deleting what is not there would fail the batch.
  addTable(writer, next(), INTERCEPT_TABLE, "left");
  deleteTable(writer, next(), INTERCEPT_TABLE);
  addTable(writer, next(), INTERCEPT_TABLE, ownership);
  for (const { rules, ...chain } of chainsOf(redirect)) {
    addChain(writer, next(), { ...chain, table: INTERCEPT_TABLE });
    for (const rule of rules) {
      const expressions = (): void => rule(writer);
      appendRule(writer, next(), { table: INTERCEPT_TABLE, chain: chain.name }, { expressions });
    }
  }
}

/** Deletes the table; the kernel refuses if there is none, or if a live process owns it. */
export function deleteInterceptTable(writer: NetlinkWriter, sequence: number): void {
  deleteTable(writer, sequence, INTERCEPT_TABLE);
}

function chainsOf({
  port,
  group,
}: InterceptRedirect): readonly (Omit<BaseChain, "table"> & { readonly rules: readonly WriteRule[] })[] {
  const rulesOfAnswers: readonly WriteRule[] =
    group === undefined ? [] : [(writer) => dropForgedAnswer(writer, group)];
  return [
    {
      name: "output",
      hook: "output",
      type: "nat",
      priority: -105,
      rules: [(writer) => redirectMarked(writer, port)],
    },
    {
      name: "input",
      hook: "input",
      type: "filter",
      priority: -10,
      rules: [(writer) => refuseUnmarked(writer, port)],
    },
    { name: "answers", hook: "output", type: "filter", priority: -5, rules: rulesOfAnswers },
  ];
}

function redirectMarked(writer: NetlinkWriter, port: number): void {
  matchMeta(writer, META_KEY.l4proto, Uint8Array.of(TCP));
  matchConntrack(writer, CT_KEY.mark, hostOrder(INTERCEPTED_FLOW));
  load(writer, portOctets(port));
  expression(writer, "redir", () => writer.number32(REDIRECT_FROM, REGISTER));
}

function refuseUnmarked(writer: NetlinkWriter, port: number): void {
  matchTcpPort(writer, "destination", port);
  matchConntrack(writer, CT_KEY.mark, hostOrder(INTERCEPTED_FLOW), OPERATOR.notEqual);
  rejectWithReset(writer);
}

function dropForgedAnswer(writer: NetlinkWriter, group: number): void {
  matchConntrack(writer, CT_KEY.mark, hostOrder(INTERCEPTED_FLOW));
  matchConntrack(writer, CT_KEY.direction, DIRECTION_REPLY);
  dropOfOthers(writer, group);
}

/** `ct KEY WANTED` */
function matchConntrack(
  writer: NetlinkWriter,
  key: number,
  wanted: Uint8Array,
  operator: number = OPERATOR.equal,
): void {
  expression(writer, "ct", () => {
    writer.number32(CT.key, key);
    writer.number32(CT.destination, REGISTER);
  });
  compare(writer, wanted, operator);
}
