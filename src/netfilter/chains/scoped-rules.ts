/**
 * Rules with ports or a protocol: what they decide by the address stands in sets of addresses with protocols
 * and ports, ahead of the sets of addresses alone, and so do learned addresses of names of which not every
 * flow is allowed. None of it is there in a policy without such rules.
 *
 *     allow_ports, deny_ports              what address rules with a scope decide
 *     ask_ports                            what they allow if it speaks the right protocol: it is held and
 *                                          read, as flows to addresses of names are, and refused where
 *                                          nobody reads; audit mode lets it pass
 *     dyn_allow_ports, dyn_deny_ports      flows to learned addresses that the rules for their names allow,
 *                                          and all others
 *     audit_ports                          in audit mode what rules would deny
 *
 * Callers are not asked for their ports: who may call in is a matter of rules without a scope.
 */
import { ADMIT } from "./generation-chains.ts";
import { ASK_WHAT_IS_SPOKEN } from "./name-chains.ts";
import type { FlowVerdict, ScopedRanges } from "../ranges/scoped-ranges.ts";
import { asksForApps, type CompiledPolicy } from "../../policy/compile.ts";
import type { Chain, NamedSet, Rule } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";

export const BY_PORT_CHAIN = "by_port";
const SHORT_CHAIN = "by_port_short";

const FAMILIES = ["v4", "v6"] as const;
type Family = (typeof FAMILIES)[number];
/** Of an address that lookups brought, if its element says nothing else. */
export const LEARNED_TIMEOUT_SECONDS = 360;

/** Sets that go with the chain. */
export const PORT_SETS: readonly string[] = [
  "allow_ports",
  "deny_ports",
  "audit_ports",
  "dyn_allow_ports",
  "dyn_deny_ports",
].flatMap((name) => FAMILIES.map((family) => `${name}_${family}`));

/** Of flows that have to speak what a rule asks for. */
export const BY_APP_CHAIN = "by_app";
export const ASK_SETS: readonly string[] = FAMILIES.map((family) => `ask_ports_${family}`);

export function usesScopes({ scoped, audits }: CompiledPolicy): boolean {
  return scoped.length > 0 || (audits !== undefined && audits.scoped.length > 0);
}

/** Whether any rule has a scope, or we hold an address that was learned under one. */
function hasScopes({ policy, hasScopedLearned }: RulesetInput): boolean {
  return hasScopedLearned === true || usesScopes(policy);
}

/** Those of learned addresses: they exist before the first ruleset that uses them. */
export function scopedLearnedSets(): readonly NamedSet[] {
  return ["dyn_allow_ports", "dyn_deny_ports"].flatMap((name) =>
    FAMILIES.map((family) => ({
      ...frameOf(name, family),
      flag: "interval,timeout" as const,
      timeoutSeconds: LEARNED_TIMEOUT_SECONDS,
    })),
  );
}

export function scopedSets(input: RulesetInput): readonly NamedSet[] {
  if (!hasScopes(input)) return [];
  const { policy } = input;
  // In audit mode the audited policy says which flows pass without a report.
  const allowing = policy.audits ?? policy;
  const asked = (family: Family): readonly NamedSet[] =>
    asksForApps(input.policy) ? [ruleSet("ask_ports", family, rangesOf(input, policy, family, "ask"))] : [];
  const all = FAMILIES.flatMap((family) => [
    ruleSet("allow_ports", family, rangesOf(input, allowing, family, "allow")),
    ruleSet("deny_ports", family, rangesOf(input, policy, family, "deny")),
    ruleSet("audit_ports", family, rangesOf(input, policy.audits, family, "deny")),
    ...asked(family),
  ]);
  return [...all, ...scopedLearnedSets()];
}

export function scopedChains(input: RulesetInput): readonly Chain[] {
  if (!hasScopes(input)) return [];
  const rules = scopedJudge("daddr", input, {
    refusal: "jump refuse",
    admission: ADMIT,
    asked: `jump ${BY_APP_CHAIN}`,
  });
  // Audit mode holds nothing back.
  if (input.policy.audits !== undefined) return [{ name: BY_PORT_CHAIN, rules }];
  return [
    ...(asksForApps(input.policy) ? [{ name: BY_APP_CHAIN, rules: askingRules(input) }] : []),
    { name: BY_PORT_CHAIN, rules: [{ statements: `jump ${SHORT_CHAIN}` }, ...rules] },
    { name: SHORT_CHAIN, rules: SHORT },
  ];
}

/** What nobody can read is refused. */
function askingRules({ names }: RulesetInput): readonly Rule[] {
  return names === undefined ? [{ statements: "jump refuse" }] : ASK_WHAT_IS_SPOKEN;
}

/**
 * A packet too short to have ports was made by hand, and no set of addresses with ports would match it. If
 * the default action allows, it would pass whatever these sets deny.
 */
const SHORT: readonly Rule[] = [
  { statements: "@th,0,32 >= 0 return", comment: "holds for a packet with at least four octets" },
  { statements: "jump refuse" },
];

/** The way to the chain. */
export function byPort(input: RulesetInput): readonly Rule[] {
  return hasScopes(input)
    ? [{ statements: `jump ${BY_PORT_CHAIN}`, comment: "rules with ports or a protocol" }]
    : [];
}

/** What happens to a flow that rules for addresses with a scope speak of. */
export interface ScopedVerdicts {
  readonly refusal: string;
  readonly admission: string;
  /** If it has to speak what a rule asks for. */
  readonly asked: string;
}

/** What happens to a flow by the port at its far end, if a rule for addresses decides it. */
export function judgeByPort(
  side: "saddr" | "daddr",
  verdicts: ScopedVerdicts,
  input: RulesetInput,
): readonly Rule[] {
  return hasScopes(input) ? scopedJudge(side, input, verdicts) : [];
}

function scopedJudge(
  side: "saddr" | "daddr",
  input: RulesetInput,
  { refusal, admission, asked }: ScopedVerdicts,
): readonly Rule[] {
  return [
    ...matchesOf(side, "deny_ports", refusal),
    ...(asksForApps(input.policy) ? matchesOf(side, "ask_ports", asked) : []),
    ...matchesOf(side, "allow_ports", admission),
  ];
}

/**
 * Behind the learned addresses to which every flow may go. `refusal` is for flows that the names' rules do
 * not allow, if the default action would.
 */
export function judgeLearnedByPort(
  side: "saddr" | "daddr",
  { learned, refusal }: { readonly learned: string; readonly refusal: string },
  input: RulesetInput,
): readonly Rule[] {
  if (!hasScopes(input)) return [];
  return [...matchesOf(side, "dyn_allow_ports", learned), ...matchesOf(side, "dyn_deny_ports", refusal)];
}

/** The same for packets that `match` speaks of, admitted whatever name they show. */
export function admitLearnedByPort(match: string, input: RulesetInput): readonly Rule[] {
  if (!hasScopes(input)) return [];
  return matchesOf("daddr", "dyn_allow_ports", ADMIT).map(({ statements }) => ({
    statements: `${match} ${statements}`,
  }));
}

/** In audit mode what rules with a scope would deny. */
export function auditByPort(input: RulesetInput, verdict: string): readonly Rule[] {
  return hasScopes(input) ? matchesOf("daddr", "audit_ports", `ct state new ${verdict}`) : [];
}

function matchesOf(side: "saddr" | "daddr", set: string, verdict: string): readonly Rule[] {
  const port = side === "saddr" ? "sport" : "dport";
  return FAMILIES.map((family) => ({
    statements: `${family === "v4" ? "ip" : "ip6"} ${side} . meta l4proto . th ${port} @${set}_${family} ${verdict}`,
  }));
}

function ruleSet(name: string, family: Family, flowRanges: ScopedRanges): NamedSet {
  return { ...frameOf(name, family), flag: "interval", flowRanges };
}

function frameOf(name: string, family: Family): Pick<NamedSet, "name" | "type"> {
  return { name: `${name}_${family}`, type: `ip${family}_addr . inet_proto . inet_service` };
}

function rangesOf(
  input: RulesetInput,
  policy: CompiledPolicy | undefined,
  family: Family,
  action: FlowVerdict,
): ScopedRanges {
  const octets = family === "v4" ? 4 : 16;
  const asks = asksForApps(input.policy);
  if (policy === undefined || input.mode === "dns")
    return { octets, rules: undefined, scoped: [], action, asks };
  return { octets, rules: policy.rules[family], scoped: policy.scoped, action, asks };
}
