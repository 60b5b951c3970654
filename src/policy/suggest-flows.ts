/**
 * What a suggested rule says of its target: that all may go there, or some flows. If rules with ports speak
 * of a name, their ports stay, and no suggestion opens more of it. The flows that were seen and that no rule
 * has decided stand beside them.
 */
import type { CompiledPolicy } from "./compile.ts";
import { decideAddressFlow } from "./decide-address.ts";
import { decideName, decideNameFlow, scopedRulesOf } from "./decide-name.ts";
import type { Decision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import { EVERY_PORT, type FlowKind, portSet } from "./flow-set.ts";
import type { Action } from "./rule.ts";
import { type Scope, scopeOf } from "./scope.ts";

/** A rule without its target. */
export interface SaidOfTarget {
  readonly action: Action;
  readonly scope: Scope | undefined;
}

export interface SaidOptions {
  readonly compiled: CompiledPolicy;
  /** A target without a rule is allowed for the flows that were seen, if any were. */
  readonly ports: boolean;
  /** The user's rules stay ahead of the suggestion. */
  readonly keepsAll: boolean;
}

/** Of a name. */
export interface SeenOfName {
  readonly flows: readonly FlowKind[];
  /** Whether there may be others, which nobody has told of. */
  readonly isPartly: boolean;
}

const ALL: SaidOfTarget = { action: "allow", scope: undefined };

/**
 * For a name that may be looked up; nothing if rules that stay are enough for it. Where no rule opens some
 * flows of it, it is not held to flows that are only some of those there were.
 */
export function saidOfName(
  name: DomainName,
  seen: SeenOfName,
  { compiled, ports, keepsAll }: SaidOptions,
): readonly SaidOfTarget[] {
  const { action, rule } = decideName(compiled, name);
  const own = keepsAll ? [] : scopedRulesOf(compiled, name);
  const undecided = seen.flows.filter((flow) => decideNameFlow(compiled, name, flow).rule === undefined);
  const flows = saidOfFlows(undecided);
  const isOfRequests = scopedRulesOf(compiled, name).some((one) => one.rule.scope?.http !== undefined);
  if (keepsAll && (rule !== undefined || isOfRequests)) return flows;
  const isWhole = action === "allow" && (rule === undefined || rule.scope === undefined);
  if (isWhole) return [...own.map(toSaid), ALL];
  const areAll = flows.length > 0 && !seen.isPartly;
  if (own.length === 0) return ports && areAll ? flows : [ALL];
  const isOpened = areAll || own.some((one) => one.action === "allow");
  return [...own.map(toSaid), ...(isOpened ? flows : [ALL])];
}

/** For an address that the user's rules without ports do not allow; its rules with ports stay as they are. */
export function saidOfAddress(
  octets: Uint8Array,
  seen: readonly FlowKind[],
  { compiled, ports }: SaidOptions,
): readonly SaidOfTarget[] {
  const undecided = seen.filter((flow) => decideAddressFlow(compiled, octets, flow).rule === undefined);
  if (seen.length > 0 && undecided.length === 0) return [];
  return ports && undecided.length > 0 ? saidOfFlows(undecided) : [ALL];
}

/** Rules that deny flows which were seen, each once. */
export function denialsOf(
  seen: readonly FlowKind[],
  decide: (flow: FlowKind) => Decision,
): readonly Decision[] {
  const denials = seen.map(decide).filter(({ action, rule }) => action === "deny" && rule !== undefined);
  return [...new Map(denials.map((decision) => [decision.rule, decision])).values()];
}

/** The same for targets that get the same rules. */
export function keyOfSaid(said: readonly SaidOfTarget[]): string {
  return said
    .map(({ action, scope }) => `${action} ${scope?.key ?? ""} ${scope?.isProtocolSaid ?? ""}`)
    .join(",");
}

/** Every flow, if one of them has a protocol that no rule can name. */
function saidOfFlows(flows: readonly FlowKind[]): readonly SaidOfTarget[] {
  if (flows.some(({ protocol }) => protocol === "other")) return [ALL];
  const allowed = (protocol: "tcp" | "udp" | "icmp"): readonly SaidOfTarget[] => {
    const ports = flows.filter((flow) => flow.protocol === protocol).map(({ port }) => port);
    if (ports.length === 0) return [];
    const set =
      protocol === "icmp" ? EVERY_PORT : portSet(ports.map((port) => ({ first: port, last: port })));
    return [{ action: "allow", scope: scopeOf(protocol, set) }];
  };
  return [...allowed("tcp"), ...allowed("udp"), ...allowed("icmp")];
}

function toSaid({ action, rule }: Decision): SaidOfTarget {
  // A rule for requests that are not read denies, whatever it says.
  return { action: rule?.action ?? action, scope: rule?.scope };
}
