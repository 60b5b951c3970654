/**
 * The smallest policy that lets pass what was seen. What no rule has decided is allowed by its name, or by
 * its address if it has none. What a rule denies was denied on purpose, and is left out. The user's address
 * rules stay: connections that they let pass are not seen one by one.
 */
import type { CompiledPolicy } from "./compile.ts";
import { decideAddress, decideAddressFlow } from "./decide-address.ts";
import { decideName, decideNameFlow } from "./decide-name.ts";
import type { Decision, Layer } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import type { FlowKind } from "./flow-set.ts";
import { speaksOfRequests } from "./http-flows.ts";
import type { Policy } from "./policy.ts";
import { describeRule, type Rule } from "./rule.ts";
import type { Steps } from "./steps.ts";
import { parseTarget, type RuleTarget } from "./target.ts";
import { denialsOf, keyOfSaid, type SaidOfTarget, saidOfAddress, saidOfName } from "./suggest-flows.ts";
import { findWildcards } from "./suggest-wildcards.ts";

/** What the sandbox tried. */
export interface SeenTargets {
  readonly names: Iterable<DomainName>;
  /** Without a name, as text. */
  readonly addresses: Iterable<string>;
  /** Connections that were refused, or would be, to one of these; empty if they are not known. */
  readonly flowsOf: (target: string) => readonly FlowKind[];
  /** Whether only some of the connections to this name were told of. */
  readonly isPartly: (name: DomainName) => boolean;
}

/** Something seen that the suggestion does not let pass; the rule that denies it is the reason. */
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
  /** One wildcard instead of several names below it that were seen, if they get the same rules. */
  readonly wildcards: boolean;
  /** Allow the ports of the connections that were seen, if any were. */
  readonly ports: boolean;
}

/** A step for each target. */
export function* suggestSteps(seen: SeenTargets, options: SuggestOptions): Steps<Suggestion> {
  const { compiled, policy } = options;
  // Rules for requests decide nothing of a flow that was seen: all rules stay in their places.
  const keepsAll = opensEveryName(policy) || speaksOfRequests(policy.egress);
  const saying = { ...options, keepsAll };
  const leftOut: LeftOut[] = [];
  const names: SuggestedTarget[] = [];
  const addresses: SuggestedTarget[] = [];
  for (const name of seen.names) {
    yield;
    if (!isWanted(name, decideName(compiled, name), leftOut)) continue;
    const flows = seen.flowsOf(name);
    const denials = denialsOf(flows, (flow) => decideNameFlow(compiled, name, flow));
    leftOut.push(...denials.map((denial) => toLeftOut(name, denial)));
    const known = { flows, isPartly: seen.isPartly(name) };
    names.push({ text: name, said: saidOfName(name, known, saying) });
  }
  for (const address of seen.addresses) {
    yield;
    const octets = octetsOf(address);
    if (octets === undefined) continue;
    const decision = decideAddress(compiled, octets, 0, octets.length === 4 ? 4 : 16);
    if (decision.rule?.action === "allow" && decision.layer === "user") continue;
    if (!isWanted(address, decision, leftOut)) continue;
    const flows = seen.flowsOf(address);
    const denials = denialsOf(flows, (flow) => decideAddressFlow(compiled, octets, flow));
    leftOut.push(...denials.map((denial) => toLeftOut(address, denial)));
    addresses.push({ text: address, said: saidOfAddress(octets, flows, saying) });
  }
  const ofNames = toRules(mergeNames(names.toSorted(compareNames), options));
  const ofAddresses = toRules(addresses.toSorted((one, other) => (one.text < other.text ? -1 : 1)));
  const kept = keepsAll ? policy.egress : policy.egress.filter(speaksOfAddresses);
  const egress = [...kept, ...ofNames, ...ofAddresses];
  return { policy: { defaultAction: "deny", egress }, leftOut };
}

interface SuggestedTarget {
  readonly text: string;
  readonly said: readonly SaidOfTarget[];
}

/** With wildcards in place of names that get the same rules, if the caller asks for that. */
function mergeNames(
  names: readonly SuggestedTarget[],
  { policy, wildcards }: SuggestOptions,
): readonly SuggestedTarget[] {
  if (!wildcards) return names;
  const denials = policy.egress.filter(({ action }) => action === "deny");
  const mayAllow = (base: string): boolean => !denials.some(({ target }) => concerns(target, base));
  return [...Map.groupBy(names, ({ said }) => keyOfSaid(said)).values()].flatMap((alike) => {
    const said = alike[0]?.said ?? [];
    return findWildcards(
      alike.map(({ text }) => text),
      mayAllow,
    ).map((text) => ({ text, said }));
  });
}

/**
 * Whether a rule allows names by allowing every destination. Then every rule of the user stays in its place:
 * those ahead of it say which names it does not open.
 */
function opensEveryName({ egress }: Policy): boolean {
  return egress.some(({ action, target }) => action === "allow" && target.kind === "everywhere");
}

function speaksOfAddresses({ target }: Rule): boolean {
  return target.kind === "prefix" || target.kind === "everywhere";
}

/** Whether the policy needs a rule for it: not if the operator's files decide, nor if a rule denies it. */
function isWanted(target: string, { action, layer, rule }: Decision, leftOut: LeftOut[]): boolean {
  if (action === "deny" && rule !== undefined) leftOut.push(toLeftOut(target, { action, layer, rule }));
  if (layer === "deny.always" || layer === "allow.always") return false;
  return action === "allow" || rule === undefined;
}

function toLeftOut(target: string, { layer, rule }: Decision): LeftOut {
  return { target, layer, rule: rule === undefined ? "" : describeRule(rule) };
}

function octetsOf(address: string): Uint8Array | undefined {
  const target = parseTarget(address);
  return target.ok && target.value.kind === "prefix" ? target.value.prefix.octets : undefined;
}

/** Whether a rule speaks of a name below the base: a wildcard there would change what it says. */
function concerns(target: RuleTarget, base: string): boolean {
  if (target.kind === "prefix" || target.kind === "everywhere") return false;
  if (target.kind === "name") return target.name.endsWith(`.${base}`);
  return `.${target.base}`.endsWith(`.${base}`) || base.endsWith(`.${target.base}`);
}

/** Nothing for what no rule can name, such as a name that ends in a number. */
function toRules(suggested: readonly SuggestedTarget[]): readonly Rule[] {
  return suggested.flatMap(({ text, said }) => {
    const target = parseTarget(text);
    if (!target.ok) return [];
    return said.map(({ action, scope }) => ({
      action,
      target: target.value,
      ...(scope === undefined ? {} : { scope }),
    }));
  });
}

/** Names of one domain stand together. */
function compareNames(one: SuggestedTarget, other: SuggestedTarget): number {
  const [a, b] = [reversed(one.text), reversed(other.text)];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function reversed(name: string): string {
  return name.split(".").toReversed().join(".");
}
