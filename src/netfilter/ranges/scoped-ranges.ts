/**
 * What rules with a scope decide of addresses, as the kernel's sets of addresses with protocols and ports
 * hold it. It leaves out what a rule without a scope decides before. No two elements overlap, whichever
 * action they are for. So the order of these sets means nothing, and they stand before the sets of addresses
 * alone.
 */
import { asksForApp } from "../../policy/app.ts";
import type { ScopedRules } from "../../policy/compile.ts";
import type { RankedDecision } from "../../policy/decision.ts";
import { type FlowSet, NO_FLOWS, unionOf } from "../../policy/flow-set.ts";
import { type RuleTrie, listRules } from "../../policy/rule-trie.ts";
import type { Action } from "../../policy/rule.ts";
import { partFlows, type ScopedMatch, sortMatches } from "../../policy/scoped-matches.ts";
import { countBits } from "../../policy/target-bits.ts";
import { type AddressRange, compareOctets, endOf, octetsBefore, renderRange } from "./address-octets.ts";
import { type FlowPiece, piecesOf, renderPiece } from "./flow-pieces.ts";

/** `ask`: allowed, if they speak what a rule asks for. */
export type FlowVerdict = Action | "ask";
const VERDICTS: readonly FlowVerdict[] = ["allow", "deny", "ask"];

/** Rules for addresses of one family, and which flows are meant. */
export interface ScopedRanges {
  readonly octets: 4 | 16;
  readonly rules: RuleTrie;
  readonly scoped: readonly ScopedRules[];
  readonly action: FlowVerdict;
  /** Whether flows may be asked what they speak; where not, they are allowed. */
  readonly asks: boolean;
}

export interface FlowRange extends AddressRange {
  readonly piece: FlowPiece;
}

export function renderFlowRange(range: FlowRange): string {
  return `${renderRange(range)} . ${renderPiece(range.piece)}`;
}

/** All of them; undefined for each rule that was checked, so many rules are no long step. */
export function* listFlowRanges(ranges: ScopedRanges): Generator<FlowRange | undefined, void, undefined> {
  const { octets, action } = ranges;
  const open = new Map<string, { readonly first: Uint8Array; readonly piece: FlowPiece }>();
  for (const cut of listCuts(ranges)) {
    const pieces = new Map(piecesOf(cut.flows[action], octets).map((piece) => [renderPiece(piece), piece]));
    for (const [text, { first, piece }] of open) {
      if (pieces.has(text)) continue;
      open.delete(text);
      yield { first, last: octetsBefore(cut.at) ?? cut.at, piece };
    }
    for (const [text, piece] of pieces) if (!open.has(text)) open.set(text, { first: cut.at, piece });
    yield undefined;
  }
  for (const { first, piece } of open.values())
    yield { first, last: new Uint8Array(octets).fill(0xff), piece };
}

/** How many there are, of all verdicts together. It ends with the address at which there are too many. */
export function* countFlowRanges(
  ranges: Omit<ScopedRanges, "action">,
  limit: number,
): Generator<undefined, number, undefined> {
  let count = 0;
  let open = new Set<string>();
  for (const { flows } of listCuts(ranges)) {
    const next = new Set<string>();
    for (const verdict of VERDICTS)
      for (const piece of piecesOf(flows[verdict], ranges.octets))
        next.add(`${verdict} ${renderPiece(piece)}`);
    for (const text of next) if (!open.has(text)) count += 1;
    if (count > limit) return count;
    open = next;
    yield undefined;
  }
  return count;
}

/** The elements that only one of two has; undefined if `budget` checks of rules were not enough. */
export function diffFlowRanges(
  from: ScopedRanges,
  to: ScopedRanges,
  budget: number,
): { readonly gone: readonly FlowRange[]; readonly come: readonly FlowRange[] } | undefined {
  if (isSame(from, to)) return { gone: [], come: [] };
  const before = collect(from, budget);
  const after = collect(to, budget);
  if (before === undefined || after === undefined) return undefined;
  const missing = (some: typeof before, all: typeof before): readonly FlowRange[] =>
    [...all].filter(([text]) => !some.has(text)).map(([, range]) => range);
  return { gone: missing(after, before), come: missing(before, after) };
}

function isSame(one: ScopedRanges, other: ScopedRanges): boolean {
  const space = one.octets === 4 ? "v4" : "v6";
  const sameScoped =
    one.scoped.length === other.scoped.length &&
    one.scoped.every(({ id, rules }, at) => {
      const there = other.scoped[at];
      return id === there?.id && rules[space] === there.rules[space];
    });
  return sameScoped && one.rules === other.rules && one.action === other.action && one.asks === other.asks;
}

function collect(ranges: ScopedRanges, budget: number): Map<string, FlowRange> | undefined {
  const found = new Map<string, FlowRange>();
  let looks = 0;
  for (const range of listFlowRanges(ranges)) {
    if (++looks > budget) return undefined;
    if (range !== undefined) found.set(renderFlowRange(range), range);
  }
  return found;
}

/** From this address up to the next cut, what rules with a scope decide. */
interface Cut {
  readonly at: Uint8Array;
  readonly flows: DecidedFlows;
}

type DecidedFlows = Readonly<Record<FlowVerdict, FlowSet>>;

/** A rule, and the flows that it speaks of; undefined: it has no scope. */
interface Entry {
  readonly decision: RankedDecision;
  readonly flows: FlowSet | undefined;
  readonly first: Uint8Array;
  readonly bits: number;
}

interface Open {
  readonly end: Uint8Array | undefined;
  /** Of this prefix and those that hold it. */
  readonly entries: readonly Entry[];
}

/**
 * In ascending order, one an address. Of all prefixes that hold an address each holds the next, so the open
 * ones are a stack.
 */
function* listCuts(ranges: Omit<ScopedRanges, "action">): Generator<Cut, void, undefined> {
  const open: Open[] = [];
  let held: Cut | undefined;
  function* cut(at: Uint8Array): Generator<Cut, void, undefined> {
    if (held !== undefined && compareOctets(held.at, at) !== 0) yield held;
    held = { at, flows: decideFlows(open.at(-1)?.entries ?? [], ranges.asks) };
  }
  for (const entry of inOrder(ranges)) {
    for (let top = open.at(-1); top?.end !== undefined; top = open.at(-1)) {
      if (compareOctets(top.end, entry.first) > 0) break;
      open.pop();
      yield* cut(top.end);
    }
    open.push({ end: endOfEntry(entry), entries: [...(open.at(-1)?.entries ?? []), entry] });
    yield* cut(entry.first);
  }
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (top.end !== undefined) yield* cut(top.end);
  }
  if (held !== undefined) yield held;
}

/** Each prefix before those that it holds: the rules of all scopes, merged. */
function* inOrder({
  octets,
  rules,
  scoped,
}: Omit<ScopedRanges, "action">): Generator<Entry, void, undefined> {
  const space = octets === 4 ? "v4" : "v6";
  const sources = [
    { trie: rules, flows: undefined },
    ...scoped.map((group) => ({ trie: group.rules[space], flows: group.flows })),
  ];
  const heads = sources.map(({ trie, flows }) => {
    const all = listRules(trie);
    const next = (): Entry | undefined => {
      const { value } = all.next();
      return value === undefined ? undefined : createEntry(value, flows, octets);
    };
    return { next, entry: next() };
  });
  for (;;) {
    let least: (typeof heads)[number] | undefined;
    for (const head of heads) {
      if (head.entry === undefined) continue;
      if (least?.entry === undefined || compareEntries(head.entry, least.entry) < 0) least = head;
    }
    if (least?.entry === undefined) return;
    yield least.entry;
    least.entry = least.next();
  }
}

function createEntry(decision: RankedDecision, flows: FlowSet | undefined, octets: 4 | 16): Entry {
  const { target } = decision.rule;
  const first = target.kind === "prefix" ? target.prefix.octets : new Uint8Array(octets);
  return { decision, flows, first, bits: countBits(target) };
}

function compareEntries(one: Entry, other: Entry): number {
  return compareOctets(one.first, other.first) || one.bits - other.bits;
}

/** Behind the whole space there is nothing. */
function endOfEntry({ first, bits }: Entry): Uint8Array | undefined {
  return bits === 0 ? undefined : endOf(first, bits);
}

/**
 * By the rules that match an address. It leaves out what the sets of addresses alone decide anyway, but not
 * flows that have to speak something.
 */
function decideFlows(entries: readonly Entry[], asks: boolean): DecidedFlows {
  const matches: ScopedMatch[] = [];
  let base: RankedDecision | undefined;
  for (const { decision, flows } of entries) {
    if (flows !== undefined) matches.push({ flows, decision });
    else if (base === undefined || decision.rank < base.rank) base = decision;
  }
  const found = { allow: NO_FLOWS, deny: NO_FLOWS, ask: NO_FLOWS };
  if (matches.length === 0) return found;
  for (const { flows, decision } of partFlows(sortMatches(matches), base?.rank).decided) {
    const { action, rule } = decision;
    const isAsked = asks && asksForApp(rule.scope?.app);
    if (isAsked) found.ask = unionOf(found.ask, flows);
    else if (action !== base?.action) found[action] = unionOf(found[action], flows);
  }
  return found;
}
