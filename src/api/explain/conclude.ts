/**
 * What comes of an explanation: whether the target can be reached now, why in a sentence, and the smallest
 * rules that would change it.
 */
import type { KeptDecision } from "../../decisions/decision-ring.ts";
import type { ExplainedAddress, FarEnd } from "../../enforcement/explain/explain-address.ts";
import type { Explained } from "../../enforcement/explain/explain.ts";
import type { ExplainedName } from "../../enforcement/explain/explain-name.ts";
import { renderAddress } from "../../policy/address.ts";
import type { Decision } from "../../policy/decision.ts";
import type { Action } from "../../policy/rule.ts";
import {
  auditWords,
  describeFailure,
  farEndWords,
  kernelWords,
  namelessWords,
  placeWords,
  whyAllowed,
  whyDenied,
} from "./conclude-words.ts";

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
export function conclude(explained: Explained, lookups: readonly KeptDecision[]): Conclusion {
  const { name, addresses } = explained;
  if (name !== undefined) return concludeName(name, explained, lookups);
  const [address] = addresses;
  if (address === undefined) throw new TypeError("neither a name nor an address");
  return concludeAddress(address);
}

function concludeName(
  named: ExplainedName,
  explained: Explained,
  lookups: readonly KeptDecision[],
): Conclusion {
  const { name, decision } = named;
  const { addresses } = explained;
  const deny = denyPatch(decision, name);
  if (named.answer === "own") {
    const because = `${name} is answered by the sidecar itself, under every policy`;
    return { reachable: true, because, patch: { allow: [], deny: undefined } };
  }
  const patchName = { allow: allowPatch(decision, name), deny };
  if (named.answer !== "asked")
    return { reachable: false, because: whyDenied(decision, name), patch: patchName };
  const said = sayName(named, explained);
  const [open] = addresses.filter((one) => isOpenFor(named, explained, one)).toSorted(byFarEnd);
  if (open === undefined && isClosedFlow(named, explained)) return concludeClosed(said, named, explained);
  const failure = open === undefined ? findFailure(lookups, addresses) : undefined;
  const patch = { allow: allowAddresses(patchName.allow, addresses), deny };
  if (failure !== undefined) return { reachable: false, because: `${said}; ${failure}`, patch };
  if (open === undefined && addresses.some(isLapsed))
    return { reachable: true, because: `${said}; ${LAPSED}`, patch: patchName };
  const shown = open ?? addresses[0];
  if (shown === undefined) return { reachable: true, because: `${said}; not looked up yet`, patch };
  return {
    reachable: open === undefined ? false : isAnswered(open),
    because: `${said}; its address ${shown.address}: ${kernelWords(shown, name)}${farEndWords(shown)}`,
    patch: open === undefined ? patch : patchName,
  };
}

/** What the policy says of the name, and audit mode. */
function sayName({ name, decision, flow, isAudited }: ExplainedName, { isAudit }: Explained): string {
  if (isAudited) return auditWords(decision, name);
  if (isAudit && flow?.decision.action === "deny") return auditWords(flow.decision, placeWords(name, flow));
  return `${name} is ${whyAllowed(decision)}`;
}

/**
 * Whether the name's flow passes to the address. What passes there by no rule for addresses passes for names
 * that allow it: those that show another one are refused, and a lookup of another one may close it.
 */
function isOpenFor(
  { flow }: ExplainedName,
  { isAudit, spoken }: Explained,
  { kernel, isNameJudged }: ExplainedAddress,
): boolean {
  if (flow === undefined) return kernel.passes || kernel.by === "ports";
  if (!kernel.passes || flow.decision.action === "allow" || isAudit) return kernel.passes;
  return kernel.by !== "default" && (!isNameJudged || spoken !== undefined);
}

/** A flow that the rules for a name do not allow, though they allow others to it. */
function isClosedFlow({ flow }: ExplainedName, { isAudit }: Explained): boolean {
  return flow?.decision.action === "deny" && !isAudit;
}

function concludeClosed(
  said: string,
  { name, flow }: ExplainedName,
  { addresses, isStrict }: Explained,
): Conclusion {
  if (flow === undefined) throw new TypeError("no flow was asked for");
  const { protocol, port, decision } = flow;
  const scope = { ...(port === undefined ? {} : { ports: [port] }), protocol };
  const allow = allowPatch(decision, name)?.map((rule) => ({ ...rule, ...scope }));
  const others = isStrict ? undefined : addresses.find(({ isNameJudged }) => isNameJudged);
  const also = others === undefined ? "" : `; ${namelessWords(others)}`;
  const unknown = addresses.length === 0 ? "; not looked up yet" : "";
  return {
    reachable: false,
    because: `${said}; ${whyDenied(decision, placeWords(name, flow))}${also}${unknown}`,
    patch: { allow, deny: [] },
  };
}

/**
 * The policy lets it pass once a lookup of an allowed name gives it again: the last one's time is over, or
 * was of a name whose rules let other flows pass.
 */
function isLapsed({ kernel }: ExplainedAddress): boolean {
  return !kernel.passes && ["default", "revoked", "ports"].includes(kernel.by);
}

const LAPSED = "the time of its last lookup is over, and the next one opens its addresses again";

/** The one that says most of the far end first. */
function byFarEnd(one: ExplainedAddress, other: ExplainedAddress): number {
  const order: readonly FarEnd[] = ["answers", "silent", "refuses", "unreachable", "unknown"];
  return order.indexOf(one.farEnd) - order.indexOf(other.farEnd);
}

/** What a try has shown not to answer is let through, and not reached. */
function isAnswered({ isTried, farEnd }: ExplainedAddress): boolean {
  return !isTried || farEnd === "answers";
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
    reachable: kernel.passes && isAnswered(explained),
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
  const byRule = addresses.filter(({ kernel }) => kernel.by === "rule");
  const patches = byRule.flatMap(
    ({ address, decision }) => allowPatch({ ...decision, action: "deny" }, address) ?? [],
  );
  if (addresses.length > 0 && patches.length === 0) return undefined;
  return [...forName, ...patches];
}

/** Why the lookups gave nothing: the one that says most. */
function findFailure(
  lookups: readonly KeptDecision[],
  addresses: readonly ExplainedAddress[],
): string | undefined {
  const addressLookups = lookups.filter(({ qtype }) => qtype === 1 || qtype === 28);
  if (addressLookups.some((lookup) => givesAddress(lookup, addresses))) return undefined;
  for (const decision of ["withheld", "failed", "nxdomain", "nodata"] as const) {
    const found = addressLookups.find((lookup) => lookup.decision === decision);
    if (found !== undefined) return describeFailure(found);
  }
  return undefined;
}

/** Whether it gave one, or would now: rules may have changed since. */
function givesAddress(lookup: KeptDecision, addresses: readonly ExplainedAddress[]): boolean {
  const { decision, addressCount, rule } = lookup;
  if (decision === "allowed") return addressCount > 0;
  const [first] = lookup.addresses;
  if (decision !== "withheld" || first === undefined) return false;
  const taken = addresses.find(({ address }) => address === renderAddress(first));
  if (taken === undefined) return false;
  const now = taken.decision;
  // A protection takes it out unless a rule allows the address.
  return rule === undefined
    ? now.rule !== undefined && now.action === "allow"
    : now.rule === undefined || now.action === "allow";
}
