/**
 * The smallest policy that lets through what was seen: what no rule has decided is allowed by its name, or by
 * its address if it has none. What a rule denies was denied on purpose, and is left out. The user's address
 * rules stay, for the connections that they let through are not seen one by one.
 */
import type { CompiledPolicy } from "./compile.ts";
import { decideAddress } from "./decide-address.ts";
import { decideName } from "./decide-name.ts";
import type { Decision, Layer } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import type { Policy } from "./policy.ts";
import { describeRule, type Rule } from "./rule.ts";
import type { Steps } from "./steps.ts";
import { parseTarget, type RuleTarget } from "./target.ts";
import { findWildcards } from "./suggest-wildcards.ts";

/** What was tried. */
export interface SeenTargets {
  readonly names: Iterable<DomainName>;
  /** Without a name, as text. */
  readonly addresses: Iterable<string>;
}

/** Something seen that the suggestion does not let through: the rule that denies it says so. */
export interface LeftOut {
  readonly target: string;
  readonly layer: Layer;
  readonly rule: string;
}

export interface Suggestion {
  readonly policy: Policy;
  readonly leftOut: readonly LeftOut[];
}

export interface SuggestOptions {
  readonly policy: Policy;
  /** Of all layers. */
  readonly compiled: CompiledPolicy;
  /** One wildcard instead of the several names below it that were seen. */
  readonly wildcards: boolean;
}

/** A target a step. */
export function* suggestSteps(seen: SeenTargets, options: SuggestOptions): Steps<Suggestion> {
  const { compiled, policy, wildcards } = options;
  const leftOut: LeftOut[] = [];
  const names: DomainName[] = [];
  const addresses: string[] = [];
  for (const name of seen.names) {
    yield;
    if (isWanted(name, decideName(compiled, name), leftOut)) names.push(name);
  }
  for (const address of seen.addresses) {
    yield;
    const decision = decideText(compiled, address);
    if (decision?.rule?.action === "allow" && decision.layer === "user") continue;
    if (decision !== undefined && isWanted(address, decision, leftOut)) addresses.push(address);
  }
  const byDomain = names.toSorted(compareNames);
  const denials = policy.egress.filter(({ action }) => action === "deny");
  const mayAllow = (base: string): boolean => !denials.some(({ target }) => concerns(target, base));
  const texts = wildcards ? findWildcards(byDomain, mayAllow) : byDomain;
  const kept = policy.egress.filter(({ target }) => target.kind === "prefix");
  const allowed = [...texts, ...addresses.toSorted()].flatMap(allowRule);
  return { policy: { defaultAction: "deny", egress: [...kept, ...allowed] }, leftOut };
}

/** Whether the policy needs a rule for it: not if the operator's files decide, nor if a rule denies it. */
function isWanted(target: string, { action, layer, rule }: Decision, leftOut: LeftOut[]): boolean {
  if (action === "deny" && rule !== undefined) leftOut.push({ target, layer, rule: describeRule(rule) });
  if (layer === "deny.always" || layer === "allow.always") return false;
  return action === "allow" || rule === undefined;
}

function decideText(compiled: CompiledPolicy, address: string): Decision | undefined {
  const target = parseTarget(address);
  if (!target.ok || target.value.kind !== "prefix") return undefined;
  const { octets } = target.value.prefix;
  return decideAddress(compiled, octets, 0, octets.length === 4 ? 4 : 16);
}

/** Whether a rule speaks of a name below the base: a wildcard there would say something else. */
function concerns(target: RuleTarget, base: string): boolean {
  if (target.kind === "prefix" || target.kind === "everywhere") return false;
  if (target.kind === "name") return target.name.endsWith(`.${base}`);
  return `.${target.base}`.endsWith(`.${base}`) || base.endsWith(`.${target.base}`);
}

/** Nothing for what no rule can speak of, such as a name that ends in a number. */
function allowRule(text: string): readonly Rule[] {
  const target = parseTarget(text);
  return target.ok ? [{ action: "allow", target: target.value }] : [];
}

/** Names of one domain stand together. */
function compareNames(one: DomainName, other: DomainName): number {
  const [a, b] = [reversed(one), reversed(other)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function reversed(name: DomainName): string {
  return name.split(".").toReversed().join(".");
}
