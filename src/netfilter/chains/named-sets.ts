/**
 * The sets in which rules look addresses up. Those of learned and revoked addresses are never emptied: they
 * outlive the sidecar.
 */
import { splitZone } from "../../policy/address.ts";
import type { RuleTrie } from "../../policy/rule-trie.ts";
import type { Action } from "../../policy/rule.ts";
import { type Endpoint } from "../../sys/socket-address.ts";
import { mergeRanges } from "../ranges/address-ranges.ts";
import type { RulesetInput } from "../ruleset-input.ts";
import { awaitedSets } from "./awaited-answer.ts";
import { isIpv4 } from "./endpoints.ts";
import { BOUND_SETS, boundSets } from "./intercept-chains.ts";
import type { PolicyRanges } from "../ranges/policy-ranges.ts";
import { FROM_SETTING } from "../kernel-names.ts";
import type { ElementChange, NamedSet, TimedElement } from "../ruleset.ts";
import { LEARNED_TIMEOUT_SECONDS, scopedSets } from "./scoped-rules.ts";

/**
 * Elements that each of the kernel's sets of learned addresses takes. The kernel reserves 16 octets for each
 * at once. What a transaction takes out makes room for what it puts in. An expired element counts until the
 * kernel collects it, about once a second.
 */
const LEARNED_SET_SIZE = 131_072;
/** Learned addresses that we may hold, of both families: seven eighths of one set's size. */
export const MAX_LEARNED_ADDRESSES = 114_688;

const REVOKED_TIMEOUT_SECONDS = 3600;

/** All sets, the same in both modes, so a change of mode loses nothing that was learned. */
export function compileSets(input: RulesetInput): readonly NamedSet[] {
  const doh = mergeRanges(input.doh ?? []);
  const onLink = mergeRanges([...input.network.onLinkV4, ...input.network.onLinkV6]);
  const exempt = mergeRanges(input.exemptNameservers);
  return [
    ...endpointSets("upstream", input.upstreams, input.upstreamsAreSet === true ? FROM_SETTING : undefined),
    ...endpointSets("own", input.ownDestinations ?? []),
    ...policySets("allow", input),
    ...policySets("deny", input),
    ...auditSets(input),
    ...timedSets("dyn_allow", LEARNED_TIMEOUT_SECONDS, LEARNED_SET_SIZE),
    ...timedSets("revoked", REVOKED_TIMEOUT_SECONDS),
    ...scopedSets(input),
    ...rangeSets("onlink", onLink),
    ...rangeSets("exempt", exempt),
    ...rangeSets("doh", doh),
    ...boundSets(input),
    ...awaitedSets(input),
  ];
}

/**
 * What the transaction does to the sets that it does not replace whole. Learned addresses that go are taken
 * out just before it.
 */
export function compileChanges({
  restore,
  restoreFlows,
  revoked,
  bound,
}: RulesetInput): readonly ElementChange[] {
  const changes = (["v4", "v6"] as const).flatMap((family): readonly ElementChange[] => {
    const kept = new Set(restore[family].map(({ address }) => address));
    const denied = new Set(revoked[family].filter((address) => !kept.has(address)));
    return [
      { set: `dyn_allow_${family}`, remove: [], put: restore[family] },
      ...putFlows(`dyn_allow_ports_${family}`, restoreFlows?.[family] ?? []),
      { set: `revoked_${family}`, remove: [...kept], put: Array.from(denied, timed) },
    ];
  });
  if (bound === undefined) return changes;
  return [
    ...changes,
    { set: BOUND_SETS[4], remove: [], put: bound.v4.map(timed) },
    { set: BOUND_SETS[6], remove: [], put: bound.v6.map(timed) },
  ];
}

function putFlows(set: string, put: readonly TimedElement[]): readonly ElementChange[] {
  return put.length === 0 ? [] : [{ set, remove: [], put }];
}

interface Ranges {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

/** What address rules decide. */
function policySets(
  action: Action,
  { mode, policy }: Pick<RulesetInput, "mode" | "policy">,
  name: string = action,
): readonly NamedSet[] {
  const { v4, v6 } = policy.rules;
  const held = (octets: 4 | 16, rules: RuleTrie): PolicyRanges => {
    return { octets, rules: mode === "dns" ? undefined : rules, action };
  };
  return [
    ...setsOfKinds(`${name}_v4`, "ipv4_addr", held(4, v4)),
    ...setsOfKinds(`${name}_v6`, "ipv6_addr", held(16, v6)),
  ];
}

/** In audit mode what address rules would deny; see `audited-chain.ts`. */
function auditSets({ mode, policy: { audits } }: RulesetInput): readonly NamedSet[] {
  if (audits === undefined || mode === "dns") return [];
  return policySets("deny", { mode, policy: audits }, "audit");
}

function setsOfKinds(name: string, type: string, all: PolicyRanges): readonly NamedSet[] {
  return [
    { name: name.replace("_", "_host_"), type, ranges: { kind: "host", all } },
    { name, type, flag: "interval", ranges: { kind: "span", all } },
  ];
}

function rangeSets(name: string, ranges: Ranges): readonly NamedSet[] {
  return [
    { name: `${name}_v4`, type: "ipv4_addr", flag: "interval", elements: ranges.v4 },
    { name: `${name}_v6`, type: "ipv6_addr", flag: "interval", elements: ranges.v6 },
  ];
}

function timedSets(name: string, timeoutSeconds: number, size?: number): readonly NamedSet[] {
  const common = { flag: "timeout" as const, timeoutSeconds, ...(size === undefined ? {} : { size }) };
  return [
    { name: `${name}_v4`, type: "ipv4_addr", ...common },
    { name: `${name}_v6`, type: "ipv6_addr", ...common },
  ];
}

function endpointSets(name: string, endpoints: readonly Endpoint[], comment?: string): readonly NamedSet[] {
  const v4 = endpoints.filter(({ address }) => isIpv4(address));
  const v6 = endpoints.filter(({ address }) => !isIpv4(address));
  return [
    { name: `${name}_v4`, type: "ipv4_addr . inet_service", elements: endpointElements(v4, comment) },
    { name: `${name}_v6`, type: "ipv6_addr . inet_service", elements: endpointElements(v6, comment) },
  ];
}

/**
 * Without another comment the interfaces of link-local addresses are one element: a restarted sidecar reads
 * them back.
 */
function endpointElements(endpoints: readonly Endpoint[], comment?: string): readonly string[] {
  const zones = new Map<string, Set<string>>();
  for (const { address: text, port } of endpoints) {
    const { address, zone } = splitZone(text);
    const element = `${address} . ${port}`;
    const found = zones.get(element) ?? new Set();
    zones.set(element, zone === undefined ? found : found.add(zone));
  }
  return Array.from(zones, ([element, names]) => {
    const said = comment ?? [...names].join(" ");
    return said === "" ? element : `${element} comment "${said}"`;
  });
}

function timed(address: string): TimedElement {
  return { address };
}
