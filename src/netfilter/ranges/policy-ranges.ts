/**
 * The addresses for which a policy's rules give one action, as the kernel's interval sets hold them:
 * ascending, and never two neighbours. They are read off the policy's trie: all of them for nft(8), or those
 * that a change may have moved.
 */
import type { RankedDecision } from "../../policy/decision.ts";
import type { Action } from "../../policy/rule.ts";
import { type RuleTrie, type TrieNode, findDifferences, listRules } from "../../policy/rule-trie.ts";
import { beginsWith, countBits } from "../../policy/target-bits.ts";
import type { RuleTarget } from "../../policy/target.ts";
import {
  type AddressRange,
  blockOf,
  compareOctets,
  endOf,
  octetsAfter,
  octetsBefore,
  renderRange,
} from "./address-octets.ts";

/** Addresses that only the default action decides are in neither action's ranges. */
export interface PolicyRanges {
  readonly octets: 4 | 16;
  readonly rules: RuleTrie;
  readonly action: Action;
}

/**
 * The part that one set holds: ranges of one address (`host`), or the others (`span`). The kernel keeps spans
 * in a tree, and walks all of it when one changes, at about 50 ns each. It keeps hosts in a hash, where a
 * change costs the same however many there are.
 */
export interface RangesOfKind {
  readonly kind: "host" | "span";
  readonly all: PolicyRanges;
}

export function isOfKind(kind: RangesOfKind["kind"], { first, last }: AddressRange): boolean {
  return (compareOctets(first, last) === 0) === (kind === "host");
}

/**
 * All of them, or less if `budget` ran out. Linear in the rules, one rule a step.
 */
export function* listRanges(
  { octets, rules, action }: PolicyRanges,
  budget: SearchBudget = { left: Number.POSITIVE_INFINITY },
): Generator<AddressRange, void, undefined> {
  let first: Uint8Array | undefined;
  for (const cut of lastOfEachAddress(listCuts(rules))) {
    budget.left -= 1;
    if (budget.left < 0) return;
    if (first === undefined) {
      if (cut.action === action) first = cut.at;
    } else if (cut.action !== action) {
      yield { first, last: octetsBefore(cut.at) ?? cut.at };
      first = undefined;
    }
  }
  if (first !== undefined) yield { first, last: new Uint8Array(octets).fill(0xff) };
}

/** What the search for a change may cost: how many addresses it may still check. */
export interface SearchBudget {
  left: number;
}

/**
 * What has to go and what has to come to turn `from` into `to`; unfinished if `budget` ran out. It costs as
 * much as the rules that differ and the ranges beside them.
 *
 * A range that only one of them has holds an address of a changed rule's target, or one beside it. So both
 * are searched there.
 */
export function diffRanges(
  from: PolicyRanges,
  to: PolicyRanges,
  budget: SearchBudget,
): { readonly gone: readonly AddressRange[]; readonly come: readonly AddressRange[] } {
  // The first policy after none: what comes is all that there is, and reading it off costs least.
  if (from.rules === undefined) return { gone: [], come: [...listRanges(to, budget)] };
  const before = new Map<string, AddressRange>();
  const after = new Map<string, AddressRange>();
  let searched: AddressRange | undefined;
  for (const target of findDifferences(from.rules, to.rules)) {
    const block = blockOfTarget(target);
    // A target comes after those that hold it.
    if (searched !== undefined && holds(searched, block)) continue;
    searched = block;
    addRangesAround(from, block, budget, before);
    addRangesAround(to, block, budget, after);
    if (budget.left < 0) break;
  }
  return { gone: missingIn(after, before), come: missingIn(before, after) };
}

/** From this address up to the next cut, the rules give this action, or none. */
interface Cut {
  readonly at: Uint8Array;
  readonly action: Action | undefined;
}

/**
 * In ascending order; of two at the same address the later one counts. Rules come by first address, the
 * larger one before those that it holds. So the rules that hold the present address are a stack.
 */
function* listCuts(rules: RuleTrie): Generator<Cut, void, undefined> {
  const open: { readonly end: Uint8Array | undefined; readonly deciding: RankedDecision }[] = [];
  for (const own of listRules(rules)) {
    const { target } = own.rule;
    const first = octetsOf(target);
    for (let top = open.at(-1); top?.end !== undefined; top = open.at(-1)) {
      if (compareOctets(top.end, first) > 0) break;
      open.pop();
      yield { at: top.end, action: open.at(-1)?.deciding.action };
    }
    const deciding = lowerRank(open.at(-1)?.deciding, own);
    open.push({ end: endOf(first, countBits(target)), deciding });
    yield { at: first, action: deciding.action };
  }
  for (let top = open.pop(); top !== undefined; top = open.pop()) {
    if (top.end !== undefined) yield { at: top.end, action: open.at(-1)?.deciding.action };
  }
}

function* lastOfEachAddress(cuts: Iterable<Cut>): Generator<Cut, void, undefined> {
  let held: Cut | undefined;
  for (const cut of cuts) {
    if (held !== undefined && compareOctets(held.at, cut.at) !== 0) yield held;
    held = cut;
  }
  if (held !== undefined) yield held;
}

/** Adds the ranges that hold an address of the block, or one beside it. */
function addRangesAround(
  ranges: PolicyRanges,
  block: AddressRange,
  budget: SearchBudget,
  found: Map<string, AddressRange>,
): void {
  const end = octetsAfter(block.last) ?? block.last;
  let at = octetsBefore(block.first) ?? block.first;
  while (budget.left >= 0 && compareOctets(at, end) <= 0) {
    const range = rangeAround(ranges, at, budget);
    if (range.action === ranges.action) found.set(renderRange(range), range);
    const next = octetsAfter(range.last);
    if (next === undefined) return;
    at = next;
  }
}

interface SaidRange extends AddressRange {
  readonly action: Action | undefined;
}

/**
 * The whole range of the wanted action that holds the address; if the action there is another one, no more
 * than its surroundings.
 */
function rangeAround(ranges: PolicyRanges, address: Uint8Array, budget: SearchBudget): SaidRange {
  const { action, ...middle } = surroundings(ranges.rules, address, budget);
  if (action !== ranges.action) return { action, ...middle };
  let { first, last } = middle;
  for (let at = octetsBefore(first); at !== undefined && budget.left >= 0; at = octetsBefore(first)) {
    const next = surroundings(ranges.rules, at, budget);
    if (next.action !== action) break;
    first = next.first;
  }
  for (let at = octetsAfter(last); at !== undefined && budget.left >= 0; at = octetsAfter(last)) {
    const next = surroundings(ranges.rules, at, budget);
    if (next.action !== action) break;
    last = next.last;
  }
  return { action, first, last };
}

/**
 * What the rules say of an address, and of all others up to the nearest target on either side. One way down
 * the trie.
 */
function surroundings(rules: RuleTrie, address: Uint8Array, budget: SearchBudget): SaidRange {
  budget.left -= 1;
  let deciding: RankedDecision | undefined;
  let around = blockOf(address, 0);
  let below: TrieNode | undefined;
  let above: TrieNode | undefined;
  for (let node = rules; node !== undefined;) {
    const { bits, own, sample } = node;
    if (!beginsWith(address, 0, octetsOf(sample), bits)) {
      if (compareOctets(octetsOf(sample), address) < 0) below = node;
      else above = node;
      break;
    }
    if (own !== undefined) [deciding, around] = [lowerRank(deciding, own), blockOf(address, bits)];
    if (bits === 8 * address.length) break;
    const octet = address[bits >>> 3] ?? 0;
    const isZero = ((octet >>> (7 - (bits & 7))) & 1) === 0;
    // Deeper is nearer, so the last one on each side counts.
    if (isZero) above = node.one ?? above;
    else below = node.zero ?? below;
    node = isZero ? node.zero : node.one;
  }
  return {
    action: deciding?.action,
    first: later(around.first, below && octetsAfter(blockOfNode(below).last)),
    last: earlier(around.last, above && octetsBefore(blockOfNode(above).first)),
  };
}

function holds(outer: AddressRange, inner: AddressRange): boolean {
  return compareOctets(outer.first, inner.first) <= 0 && compareOctets(inner.last, outer.last) <= 0;
}

function later(one: Uint8Array, other = one): Uint8Array {
  return compareOctets(one, other) < 0 ? other : one;
}

function earlier(one: Uint8Array, other = one): Uint8Array {
  return compareOctets(one, other) > 0 ? other : one;
}

function lowerRank(one: RankedDecision | undefined, other: RankedDecision): RankedDecision {
  return one !== undefined && one.rank < other.rank ? one : other;
}

function blockOfTarget(target: RuleTarget): AddressRange {
  return blockOf(octetsOf(target), countBits(target));
}

function blockOfNode({ sample, bits }: TrieNode): AddressRange {
  return blockOf(octetsOf(sample), bits);
}

function octetsOf(target: RuleTarget): Uint8Array {
  if (target.kind !== "prefix") throw new TypeError(`no address: ${target.key}`);
  return target.prefix.octets;
}

function missingIn(
  some: ReadonlyMap<string, AddressRange>,
  all: ReadonlyMap<string, AddressRange>,
): readonly AddressRange[] {
  return [...all].filter(([text]) => !some.has(text)).map(([, range]) => range);
}
