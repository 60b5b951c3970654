/**
 * What changes from one ruleset to the next, if it is little: the generation, ranges of the policy's address
 * sets, single elements. Such a change goes to the kernel straight over netlink, and costs only what changes.
 * Everything else goes through nft(8), as a whole.
 */
import type { AddressRange } from "./ranges/address-octets.ts";
import {
  diffRanges,
  isOfKind,
  type SearchBudget,
  type PolicyRanges,
  type RangesOfKind,
} from "./ranges/policy-ranges.ts";
import { diffFlowRanges, type FlowRange } from "./ranges/scoped-ranges.ts";
import type { Chain, ElementChange, GenerationRule, NamedSet, Ruleset, Table } from "./ruleset.ts";

export interface RangeChange {
  readonly set: string;
  readonly kind: RangesOfKind["kind"];
  readonly gone: readonly AddressRange[];
  readonly come: readonly AddressRange[];
}

/** The same of a set of addresses with protocols and ports. */
export interface FlowChange {
  readonly set: string;
  readonly gone: readonly FlowRange[];
  readonly come: readonly FlowRange[];
}

export interface RulesetDelta {
  /** Chains that hold the new generation; none in `dns` mode. */
  readonly ofGeneration: readonly GenerationChain[];
  readonly ranges: readonly RangeChange[];
  readonly flows: readonly FlowChange[];
  readonly changes: readonly ElementChange[];
}

export interface GenerationChain {
  readonly name: string;
  readonly rules: readonly GenerationRule[];
}

/**
 * A change that takes more than this, about 2 ms, is no small one: nft(8) in a process of its own keeps it
 * off the event loop.
 */
const MAX_LOOKS = 512;
/** The same for rules with a scope: if one of them differs, all are checked. */
const MAX_SCOPED_LOOKS = 1024;

/** The difference, or undefined if a delta cannot express it. */
export function findDelta(from: Ruleset, to: Ruleset): RulesetDelta | undefined {
  if (from.mode !== to.mode || from.tables.length !== to.tables.length) return undefined;
  const ranges: RangeChange[] = [];
  const flows: FlowChange[] = [];
  const budget = { left: MAX_LOOKS };
  for (const [index, table] of to.tables.entries()) {
    const before = from.tables[index];
    if (before === undefined || !addRangeChanges(before, table, ranges, budget)) return undefined;
    if (!addFlowChanges(before, table, flows)) return undefined;
  }
  if (budget.left < 0) return undefined;
  return { ofGeneration: listGenerationChains(to), ranges, flows, changes: to.changes };
}

function listGenerationChains({ tables }: Ruleset): readonly GenerationChain[] {
  return tables.flatMap(({ chains }) =>
    chains.flatMap(({ name, ofGeneration: rules }) => (rules === undefined ? [] : [{ name, rules }])),
  );
}

/** False if the tables differ in anything but ranges and the generation. */
function addRangeChanges(from: Table, to: Table, changes: RangeChange[], budget: SearchBudget): boolean {
  if (from.family !== to.family || from.name !== to.name) return false;
  if (from.sets.length !== to.sets.length || from.chains.length !== to.chains.length) return false;
  const known = new Map<PolicyRanges, ReturnType<typeof diffRanges>>();
  for (const [index, set] of to.sets.entries()) {
    const before = from.sets[index];
    if (before === undefined || !isSameSet(before, set)) return false;
    if (before.ranges === undefined || set.ranges === undefined) continue;
    const { kind, all } = set.ranges;
    // One set has the hosts, another one the spans; one search finds both.
    const found = known.get(all) ?? diffRanges(before.ranges.all, all, budget);
    known.set(all, found);
    const gone = found.gone.filter((range) => isOfKind(kind, range));
    const come = found.come.filter((range) => isOfKind(kind, range));
    if (gone.length + come.length > 0) changes.push({ set: set.name, kind, gone, come });
  }
  return to.chains.every((chain, index) => {
    const before = from.chains[index];
    return before !== undefined && isSameChain(before, chain);
  });
}

/** Of tables whose other sets are the same. False if a delta cannot express it. */
function addFlowChanges(from: Table, to: Table, changes: FlowChange[]): boolean {
  for (const [index, { name, flowRanges }] of to.sets.entries()) {
    const before = from.sets[index]?.flowRanges;
    if (before === undefined || flowRanges === undefined) continue;
    const found = diffFlowRanges(before, flowRanges, MAX_SCOPED_LOOKS);
    if (found === undefined) return false;
    if (found.gone.length + found.come.length > 0) changes.push({ set: name, ...found });
  }
  return true;
}

function isSameSet(from: NamedSet, to: NamedSet): boolean {
  const { ranges: _before, flowRanges: _flowsBefore, ...before } = from;
  const { ranges: _after, flowRanges: _flowsAfter, ...after } = to;
  const bothRanges = (from.ranges === undefined) === (to.ranges === undefined);
  const bothFlows = (from.flowRanges === undefined) === (to.flowRanges === undefined);
  return bothRanges && bothFlows && JSON.stringify(before) === JSON.stringify(after);
}

function isSameChain(from: Chain, to: Chain): boolean {
  if (from.name !== to.name) return false;
  if (to.ofGeneration !== undefined) return from.ofGeneration?.length === to.ofGeneration.length;
  return JSON.stringify(from) === JSON.stringify(to);
}
