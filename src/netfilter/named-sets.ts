/** The sets that rules look addresses up in. Those of learned and revoked addresses are never emptied: they outlive the sidecar. */
import { type AddressInterval, listIntervals } from "../policy/intervals.ts";
import type { Action } from "../policy/rule.ts";
import { mergeRanges, renderRange } from "./address-ranges.ts";
import type { Endpoint, RulesetInput } from "./ruleset-input.ts";
import { isIpv4 } from "./endpoints.ts";
import type { ElementChange, NamedSet, TimedElement } from "./ruleset.ts";

/** Learned addresses of one family that may be held; the kernel's set takes twice as many, as changing all of them needs both at once. */
export const MAX_LEARNED_ADDRESSES = 65_536;

const LEARNED_TIMEOUT_SECONDS = 360;
const REVOKED_TIMEOUT_SECONDS = 3600;

/** All sets, in both modes alike, so that a change of mode loses nothing that was learned. */
export function compileSets(input: RulesetInput): readonly NamedSet[] {
  const ruled = policyRanges(input);
  const doh = mergeRanges(input.doh ?? []);
  const onLink = mergeRanges([...input.network.onLinkV4, ...input.network.onLinkV6]);
  const exempt = mergeRanges(input.exemptNameservers);
  return [
    ...endpointSets("upstream", input.upstreams),
    ...endpointSets("own", input.ownDestinations ?? []),
    ...rangeSets("allow", ruled.allow),
    ...rangeSets("deny", ruled.deny),
    ...timedSets("dyn_allow", LEARNED_TIMEOUT_SECONDS, 2 * MAX_LEARNED_ADDRESSES),
    ...timedSets("revoked", REVOKED_TIMEOUT_SECONDS),
    ...rangeSets("onlink", onLink),
    ...rangeSets("exempt", exempt),
    ...rangeSets("doh", doh),
  ];
}

/** What the transaction does to the sets that are not replaced whole. */
export function compileChanges({ forget, restore, revoked }: RulesetInput): readonly ElementChange[] {
  return (["v4", "v6"] as const).flatMap((family) => {
    const kept = new Set(restore[family].map(({ address }) => address));
    const denied = new Set([...forget[family], ...revoked[family]].filter((address) => !kept.has(address)));
    return [
      {
        set: `dyn_allow_${family}`,
        remove: forget[family].filter((address) => !kept.has(address)),
        put: restore[family],
      },
      { set: `revoked_${family}`, remove: [...kept], put: Array.from(denied, timed) },
    ];
  });
}

interface Ranges {
  readonly v4: readonly string[];
  readonly v6: readonly string[];
}

const NO_RANGES: Ranges = { v4: [], v6: [] };

/** Listed once for both actions: of 100,000 prefixes that takes a quarter of a second. */
function policyRanges({ mode, policy }: RulesetInput): Readonly<Record<Action, Ranges>> {
  if (mode === "dns") return { allow: NO_RANGES, deny: NO_RANGES };
  const v4 = listIntervals(policy.addresses.v4);
  const v6 = listIntervals(policy.addresses.v6);
  const pick = (action: Action): Ranges => ({ v4: rangesOf(v4, action), v6: rangesOf(v6, action) });
  return { allow: pick("allow"), deny: pick("deny") };
}

function rangesOf(intervals: readonly AddressInterval[], action: Action): readonly string[] {
  return intervals
    .filter((interval) => interval.action === action)
    .map(({ first, last }) => renderRange(first, last));
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

function endpointSets(name: string, endpoints: readonly Endpoint[]): readonly NamedSet[] {
  const v4 = endpoints.filter(({ address }) => isIpv4(address));
  const v6 = endpoints.filter(({ address }) => !isIpv4(address));
  return [
    { name: `${name}_v4`, type: "ipv4_addr . inet_service", elements: endpointElements(v4) },
    { name: `${name}_v6`, type: "ipv6_addr . inet_service", elements: endpointElements(v6) },
  ];
}

function endpointElements(endpoints: readonly Endpoint[]): readonly string[] {
  return [...new Set(endpoints.map(({ address, port }) => `${address} . ${port}`))];
}

function timed(address: string): TimedElement {
  return { address };
}
