import type { CompiledPolicy } from "../policy/compile.ts";
import type { Prefix } from "../policy/prefix.ts";
import { findDifferences, type RuleTrie } from "../policy/rule-trie.ts";
import type { RuleTarget } from "../policy/target.ts";

/**
 * What two policies may decide differently: targets. Names and addresses that none of them matches are
 * decided alike.
 */
export interface PolicyDifference {
  readonly names: readonly string[];
  /** Of wildcards. */
  readonly bases: readonly string[];
  readonly prefixes: readonly Prefix[];
}

/** More differing rules than these are looked at as a new policy. */
const MAX_RULES = 64;

/** Undefined if it is simpler to take everything for different. Costs by what differs. */
export function findDifference(from: CompiledPolicy, to: CompiledPolicy): PolicyDifference | undefined {
  if (from.fallback.action !== to.fallback.action) return undefined;
  // Two policies say what audit mode lets through.
  if (from.audits !== undefined || to.audits !== undefined) return undefined;
  const found = { names: [] as string[], bases: [] as string[], prefixes: [] as Prefix[] };
  let count = 0;
  for (const target of listDifferences(from, to)) {
    if (++count > MAX_RULES) return undefined;
    if (target.kind === "name") found.names.push(target.name);
    else if (target.kind === "wildcard") found.bases.push(target.base);
    else if (target.kind === "prefix") found.prefixes.push(target.prefix);
  }
  return found;
}

function* listDifferences(from: CompiledPolicy, to: CompiledPolicy): Generator<RuleTarget, void, undefined> {
  for (const space of ["names", "v4", "v6"] as const)
    yield* findDifferences(from.rules[space], to.rules[space]);
  if (from.scoped === to.scoped) return;
  const ids = new Set([...from.scoped, ...to.scoped].map(({ id }) => id));
  for (const id of ids) yield* findDifferences(namesOf(from, id), namesOf(to, id));
}

function namesOf({ scoped }: CompiledPolicy, wanted: string): RuleTrie {
  return scoped.find(({ id }) => id === wanted)?.rules.names;
}

/** Whether what is decided of one of these names, in one text, may be different. Quick, and true in doubt. */
export function mayConcern(difference: PolicyDifference | undefined, names: string): boolean {
  if (difference === undefined || difference.prefixes.length > 0) return true;
  return [difference.names, difference.bases].some((texts) => texts.some((text) => names.includes(text)));
}
