/** A ruleset as text for `nft -f -`: one transaction. */
import { renderRange } from "./ranges/address-octets.ts";
import { ASK_SETS, BY_APP_CHAIN, BY_PORT_CHAIN, PORT_SETS } from "./chains/scoped-rules.ts";
import { AUDITED_CHAIN, AUDITED_SETS } from "./chains/audited-chain.ts";
import { AWAIT_CHAIN, AWAITED_SET } from "./chains/awaited-answer.ts";
import { BOUND_SETS, INTERCEPT_CHAIN } from "./chains/intercept-chains.ts";
import { guardedDevice, OUR_TABLES, TABLE } from "./kernel-names.ts";
import { isOfKind, listRanges, type RangesOfKind } from "./ranges/policy-ranges.ts";
import { listFlowRanges, renderFlowRange, type ScopedRanges } from "./ranges/scoped-ranges.ts";
import type {
  Chain,
  ElementChange,
  Family,
  FlowTimeouts,
  Hook,
  NamedSet,
  Rule,
  Ruleset,
  Table,
  TimedElement,
} from "./ruleset.ts";

/** A chain of ours that the kernel holds already. A netdev chain's device is known by the chain's name. */
export interface PresentChain {
  readonly family: Family;
  readonly table: string;
  readonly name: string;
  readonly hook: { readonly type: string; readonly name: string; readonly priority: number } | undefined;
}

/** What of ours is in the kernel. */
export interface KernelState {
  readonly tables: readonly { readonly family: Family; readonly name: string }[];
  readonly chains: readonly PresentChain[];
}

export const NOTHING_PRESENT: KernelState = { tables: [], chains: [] };

/** Characters of a comment that nft(8) takes at most. */
const MAX_COMMENT = 128;

/**
 * The text turns what a kernel with `present` holds into the ruleset. Chains that fit stay and are refilled,
 * so no packet meets a gap; others go. The sets of learned addresses stay. Applied again to its own result,
 * it changes nothing.
 */
export function renderRuleset(ruleset: Ruleset, present: KernelState = NOTHING_PRESENT): string {
  return [...renderPieces(ruleset, present)].join("");
}

/** The text that makes the sets that our table lacks, and leaves the others as they are. */
export function renderDeclaration(sets: readonly NamedSet[]): string {
  const lines = sets.map((set) => `add set inet ${TABLE} ${set.name} { ${describeSet(set)} }\n`);
  return lines.join("");
}

/** The same text in short pieces: that of 100,000 prefixes takes a quarter of a second. */
export function* renderPieces(ruleset: Ruleset, present: KernelState): Generator<string, void, undefined> {
  yield* linesOf(
    ruleset.over === "nothing"
      ? [...present.tables, ...ruleset.tables].flatMap(removeTable)
      : OUR_TABLES.flatMap((table) => removeMisfits(table, ruleset, present)),
  );
  for (const table of ruleset.tables) {
    yield* linesOf(declare(table));
    const emptied = table.chains.filter(({ isFilledElsewhere }) => isFilledElsewhere !== true);
    yield* linesOf(emptied.map(({ name }) => `flush chain ${table.family} ${table.name} ${name}`));
    const isThere = present.tables.some(({ family, name }) => family === table.family && name === table.name);
    for (const set of table.sets) yield* replaceElements(table, set, isThere);
    yield* linesOf(fill(table));
  }
  for (const change of ruleset.changes) yield* changeElements(change);
}

/** What is in the kernel once the ruleset is. */
export function stateAfter({ tables }: Ruleset): KernelState {
  const chains = tables.flatMap(({ family, name: table, chains: wanted }) =>
    wanted.map(({ name, hook }) => ({ family, table, name, hook })),
  );
  return { tables, chains };
}

/** The text that removes all that is ours. */
export function renderTeardown(present: KernelState): string {
  return present.tables.map(({ family, name }) => `delete table ${family} ${name}\n`).join("");
}

/** Whether it is there or not. */
function removeTable({ family, name }: KernelState["tables"][number]): readonly string[] {
  return [`table ${family} ${name}`, `delete table ${family} ${name}`];
}

/**
 * Whole tables that are not wanted; chains that are not wanted, or that are hooked elsewhere and cannot be
 * moved.
 */
function removeMisfits(
  { family, name }: KernelState["tables"][number],
  ruleset: Ruleset,
  present: KernelState,
): readonly string[] {
  const wanted = ruleset.tables.find((table) => table.family === family && table.name === name);
  const isThere = present.tables.some((table) => table.family === family && table.name === name);
  if (wanted === undefined) return isThere ? [`delete table ${family} ${name}`] : [];
  const chains = present.chains.filter((chain) => chain.family === family && chain.table === name);
  const misfits = chains.filter((chain) => !fits(chain, wanted.chains));
  if (misfits.length === 0) return [];
  // All are emptied first: a chain that another one jumps to cannot go.
  return [
    ...chains.map((chain) => `flush chain ${family} ${name} ${chain.name}`),
    ...misfits.map((chain) => `delete chain ${family} ${name} ${chain.name}`),
    ...misfits.flatMap((chain) => removeSetsOf(chain.name)),
  ];
}

/** Those that only this chain's mode has. */
function removeSetsOf(chain: string): readonly string[] {
  return (SETS_OF.get(chain) ?? []).map((set) => `delete set inet ${TABLE} ${set}`);
}

const SETS_OF: ReadonlyMap<string, readonly string[]> = new Map([
  [AUDITED_CHAIN, AUDITED_SETS],
  [INTERCEPT_CHAIN, Object.values(BOUND_SETS)],
  [BY_PORT_CHAIN, PORT_SETS],
  [BY_APP_CHAIN, ASK_SETS],
  [AWAIT_CHAIN, [AWAITED_SET]],
]);

function fits(present: PresentChain, wanted: readonly Chain[]): boolean {
  const chain = wanted.find(({ name }) => name === present.name);
  if (chain === undefined) return false;
  const { hook } = chain;
  if (hook === undefined || present.hook === undefined)
    return hook === undefined && present.hook === undefined;
  return (
    hook.type === present.hook.type &&
    hook.name === present.hook.name &&
    hook.priority === present.hook.priority &&
    (hook.device === undefined || hook.device === guardedDevice(present.name))
  );
}

function declare(table: Table): readonly string[] {
  return [
    `table ${table.family} ${table.name} {`,
    ...table.sets.map((set) => `  set ${set.name} { ${describeSet(set)} }`),
    ...(table.timeouts ?? []).map((all) => `  ct timeout ${all.name} { ${describeTimeouts(all)} }`),
    ...(table.counters ?? []).map((name) => `  counter ${name} { }`),
    ...table.chains.map(
      ({ name, hook }) => `  chain ${name} {${hook === undefined ? "" : ` ${describeHook(hook)}`} }`,
    ),
    "}",
  ];
}

/**
 * Rule by rule: a chain that its table's block names once more counts as changed, and then nft(8) waits 11 ms
 * for the kernel as it ends.
 */
function fill({ family, name, chains }: Table): readonly string[] {
  return chains.flatMap((chain) =>
    chain.rules.map((rule) => `add rule ${family} ${name} ${chain.name} ${describeRule(rule)}`),
  );
}

function describeSet({ type, flag, timeoutSeconds, size }: NamedSet): string {
  return [
    `type ${type};`,
    ...(flag === undefined ? [] : [`flags ${flag};`]),
    ...(timeoutSeconds === undefined ? [] : [`timeout ${timeoutSeconds}s;`]),
    ...(size === undefined ? [] : [`size ${size};`]),
  ].join(" ");
}

function describeTimeouts({ protocol, family, seconds }: FlowTimeouts): string {
  const policy = Object.entries(seconds).map(([state, count]) => `${state} : ${count}`);
  return `protocol ${protocol}; l3proto ${family}; policy = { ${policy.join(", ")} };`;
}

function describeHook({ type, name, priority, policy, device }: Hook): string {
  const place = device === undefined ? name : `${name} device "${device}"`;
  return `type ${type} hook ${place} priority ${priority}; policy ${policy};`;
}

function describeRule({ statements, comment }: Rule): string {
  return `${statements}${comment === undefined ? "" : ` comment "${comment}"`}`;
}

function* replaceElements(
  table: Table,
  named: NamedSet,
  isThere: boolean,
): Generator<string, void, undefined> {
  const { name, ranges, flowRanges, elements: listed } = named;
  const ofAddresses = ranges === undefined ? listed : rendered(ranges);
  const elements = flowRanges === undefined ? ofAddresses : renderedFlows(flowRanges);
  if (elements === undefined) return;
  const set = `${table.family} ${table.name} ${name}`;
  // A new set is empty. Flushing it all the same would leave behind what nft(8) waits for, as above.
  if (isThere) yield flowRanges === undefined ? `flush set ${set}\n` : makeAnew(set, named);
  yield* elementLine("add", set, elements);
}

/**
 * Of addresses with ports: the kernel takes out one element after the other, each at the cost of all that are
 * there, which is half a minute for 65,536. No chain asks for the set by now.
 */
function makeAnew(set: string, named: NamedSet): string {
  return `delete set ${set}\nadd set ${set} { ${describeSet(named)} }\n`;
}

/** Undefined for each range of the other kind, so skipping many of them is no long step. */
function* rendered({ kind, all }: RangesOfKind): Generator<string | undefined, void, undefined> {
  for (const range of listRanges(all)) yield isOfKind(kind, range) ? renderRange(range) : undefined;
}

/** Undefined for each rule that was checked. */
function* renderedFlows(ranges: ScopedRanges): Generator<string | undefined, void, undefined> {
  for (const range of listFlowRanges(ranges)) yield range && renderFlowRange(range);
}

/**
 * Deleting what is not there would fail the transaction, and adding what is there keeps its old timeout. So:
 * add, delete, add.
 */
function* changeElements({ set, remove, put }: ElementChange): Generator<string, void, undefined> {
  const name = `inet ${TABLE} ${set}`;
  const gone = [...new Set([...remove, ...put.map(({ address }) => address)])];
  yield* elementLine("add", name, gone);
  yield* elementLine("delete", name, gone);
  yield* elementLine("add", name, put.map(describeElement));
}

function* elementLine(
  verb: "add" | "delete",
  set: string,
  elements: Iterable<string | undefined>,
): Generator<string, void, undefined> {
  let before = `${verb} element ${set} { `;
  let after = "";
  for (const element of elements) {
    if (element === undefined) {
      yield "";
      continue;
    }
    yield `${before}${element}`;
    [before, after] = [", ", " }\n"];
  }
  yield after;
}

function* linesOf(lines: readonly string[]): Generator<string, void, undefined> {
  for (const line of lines) yield `${line}\n`;
}

function describeElement({ address, timeoutSeconds, comment }: TimedElement): string {
  const timeout = timeoutSeconds === undefined ? "" : ` timeout ${timeoutSeconds}s`;
  return `${address}${timeout}${comment === undefined ? "" : ` comment "${plainComment(comment)}"`}`;
}

/** Printable, without quotes, and cut between two words: half a name would be another name. */
function plainComment(comment: string): string {
  const plain = comment.replaceAll(/[^ !#-~]/g, "?");
  if (plain.length <= MAX_COMMENT) return plain;
  const end = plain.lastIndexOf(" ", MAX_COMMENT);
  return end < 0 ? "" : plain.slice(0, end);
}
