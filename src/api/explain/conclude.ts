/**
 * What comes of an explanation: whether the target can be reached now, why in a sentence, and the smallest
 * rules that would change it.
 */
import type { KeptDecision } from "../../decisions/decision-ring.ts";
import type { ExplainedAddress, FarEnd } from "../../enforcement/explain/explain-address.ts";
import type { Explained } from "../../enforcement/explain/explain.ts";
import type { ExplainedName } from "../../enforcement/explain/explain-name.ts";
import type { Decision } from "../../policy/decision.ts";
import type { Action } from "../../policy/rule.ts";
import { describeFailure, farEndWords, kernelWords, whyAllowed, whyDenied } from "./conclude-words.ts";

export interface Conclusion {
  readonly reachable: boolean;
  readonly because: string;
  readonly patch: Patch;
}

export interface PatchRule {
  readonly action: Action;
  readonly target: string;
  readonly ports?: readonly number[];
  readonly protocol?: string;
  readonly app?: string;
}

/**
 * Rules for `PATCH /policy`; none if nothing has to change. Undefined if no rule of the user's can do
 * it.
 */
export interface Patch {
  readonly allow: readonly PatchRule[] | undefined;
  readonly deny: readonly PatchRule[] | undefined;
}

/** `lookups`: the last one of each type, the newest first. */
export function conclude({ name, addresses }: Explained, lookups: readonly KeptDecision[]): Conclusion {
  if (name !== undefined) return concludeName(name, addresses, lookups);
  const [address] = addresses;
  if (address === undefined) throw new TypeError("neither a name nor an address");
  return concludeAddress(address);
}

function concludeName(
  named: ExplainedName,
  addresses: readonly ExplainedAddress[],
  lookups: readonly KeptDecision[],
): Conclusion {
  const { name, decision } = named;
  const deny = denyPatch(decision, name);
  if (named.answer === "own") {
    const because = `${name} is answered by the sidecar itself, under every policy`;
    return { reachable: true, because, patch: { allow: [], deny: undefined } };
  }
  const patchName = { allow: allowPatch(decision, name), deny };
  if (named.answer !== "asked")
    return { reachable: false, because: whyDenied(decision, name), patch: patchName };
  const said = named.isAudited
    ? `audit mode lets ${name} through; without it ${whyDenied(decision, name)}`
    : `${name} is ${whyAllowed(decision)}`;
  const closed = closedFlow(named, addresses);
  if (closed !== undefined)
    return { reachable: false, because: `${said}; ${closed.because}`, patch: closed.patch };
  const patch = { allow: allowAddresses(patchName.allow, addresses), deny };
  const [open] = addresses.filter(({ kernel }) => kernel.passes).toSorted(byFarEnd);
  const failure = open === undefined ? findFailure(lookups) : undefined;
  if (failure !== undefined) return { reachable: false, because: `${said}; ${failure}`, patch };
  const shown = open ?? addresses[0];
  if (shown === undefined) return { reachable: true, because: `${said}; not looked up yet`, patch };
  return {
    reachable: isReached(shown),
    because: `${said}; its address ${shown.address}: ${kernelWords(shown)}${farEndWords(shown)}`,
    patch,
  };
}

/**
 * A flow that the rules for a name do not allow, though they allow others to it. No rule for an address opens
 * it either.
 */
function closedFlow(
  { name, flow, isAudited }: ExplainedName,
  addresses: readonly ExplainedAddress[],
): Pick<Conclusion, "because" | "patch"> | undefined {
  if (flow === undefined || flow.decision.action === "allow" || isAudited) return undefined;
  if (addresses.some(({ kernel }) => kernel.passes)) return undefined;
  const { protocol, port, app, decision } = flow;
  const scope = { ...(port === undefined ? {} : { ports: [port] }), protocol };
  const allow = allowPatch(decision, name)?.map((rule) => ({ ...rule, ...scope }));
  const what = app === undefined ? protocol : `${app} over ${protocol}, at`;
  const place = port === undefined ? `${protocol} to ${name}` : `${what} port ${port} of ${name}`;
  return { because: whyDenied(decision, place), patch: { allow, deny: [] } };
}

/** The one that says most of the far end first. */
function byFarEnd(one: ExplainedAddress, other: ExplainedAddress): number {
  const order: readonly FarEnd[] = ["answers", "silent", "refuses", "unreachable", "unknown"];
  return order.indexOf(one.farEnd) - order.indexOf(other.farEnd);
}

/** What a try has shown not to answer is let through, and not reached. */
function isReached({ kernel, isTried, farEnd }: ExplainedAddress): boolean {
  return kernel.passes && (!isTried || farEnd === "answers");
}

function concludeAddress(explained: ExplainedAddress): Conclusion {
  const { address, decision, kernel } = explained;
  const because = `${address}: ${kernelWords(explained)}${farEndWords(explained)}`;
  const isOpen = kernel.passes && decision.action === "allow";
  const isByAddress = ["rule", "default", "revoked", "learned", "ports"].includes(kernel.by);
  const scope = scopeOfPatch(explained);
  const allow =
    isOpen || kernel.by === "learned"
      ? []
      : allowPatch({ ...decision, action: "deny" }, address)?.map((rule) => ({ ...rule, ...scope }));
  return {
    reachable: isReached(explained),
    because,
    patch: {
      allow: isByAddress ? allow : kernel.passes ? [] : undefined,
      deny: isByAddress
        ? denyPatch(isOpen ? decision : { ...decision, action: kernel.passes ? "allow" : "deny" }, address)
        : undefined,
    },
  };
}

/** Where rules with ports refuse a flow, the smallest change speaks of that flow alone. */
function scopeOfPatch({ flow, decision, kernel }: ExplainedAddress): Omit<PatchRule, "action" | "target"> {
  if (flow === undefined || flow.protocol === "other") return {};
  if (decision.rule?.scope === undefined && kernel.by !== "ports") return {};
  const { protocol, port } = flow;
  return protocol === "icmp" ? { protocol } : { ports: [port], protocol };
}

/** A rule of the user's is asked after the operator's. */
function allowPatch({ action, layer }: Decision, target: string): readonly PatchRule[] | undefined {
  if (action === "allow") return [];
  return layer === "deny.always" ? undefined : [{ action: "allow", target }];
}

function denyPatch({ action, layer }: Decision, target: string): readonly PatchRule[] | undefined {
  if (action === "deny") return [];
  return layer === "allow.always" ? undefined : [{ action: "deny", target }];
}

/** Besides the name, each address that a rule denies; none can be allowed if the operator denies them all. */
function allowAddresses(
  forName: Patch["allow"],
  addresses: readonly ExplainedAddress[],
): readonly PatchRule[] | undefined {
  if (forName === undefined || addresses.some(({ kernel }) => kernel.passes)) return forName;
  const byPolicy = addresses.filter(({ kernel }) => ["rule", "default", "revoked"].includes(kernel.by));
  const patches = byPolicy.flatMap(
    ({ address, decision }) => allowPatch({ ...decision, action: "deny" }, address) ?? [],
  );
  if (addresses.length > 0 && patches.length === 0) return undefined;
  return [...forName, ...patches];
}

/** Why the lookups gave nothing: the one that says most. */
function findFailure(lookups: readonly KeptDecision[]): string | undefined {
  const addressLookups = lookups.filter(({ qtype }) => qtype === 1 || qtype === 28);
  if (addressLookups.some(({ decision, addressCount }) => decision === "allowed" && addressCount > 0))
    return undefined;
  for (const decision of ["withheld", "failed", "nxdomain", "nodata"] as const) {
    const found = addressLookups.find((lookup) => lookup.decision === decision);
    if (found !== undefined) return describeFailure(found);
  }
  return undefined;
}
