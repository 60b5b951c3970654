/**
 * What comes of an explanation: whether the target can be reached now, why in a sentence, and the smallest
 * rules that would change it.
 */
import { REASON_WORDS } from "../../decisions/decision-event.ts";
import type { KeptDecision } from "../../decisions/decision-ring.ts";
import {
  type ExplainedAddress,
  type FarEnd,
  isWorthATry,
} from "../../enforcement/explain/explain-address.ts";
import type { Explained } from "../../enforcement/explain/explain.ts";
import type { ExplainedName } from "../../enforcement/explain/explain-name.ts";
import type { VerdictReason } from "../../enforcement/explain/kernel-verdict.ts";
import { renderAddress } from "../../policy/address.ts";
import type { Decision, Layer } from "../../policy/decision.ts";
import { type Action, describeRule } from "../../policy/rule.ts";

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

function describeFailure({ decision, addresses, rule, layer, reason }: KeptDecision): string {
  const words = reason === undefined ? "" : REASON_WORDS[reason];
  if (decision === "nxdomain") return "the upstream says that there is no such name";
  if (decision === "nodata") return "the upstream says that it has no address";
  if (decision === "failed") return `its lookup failed: ${words}`;
  const [address] = addresses;
  const shown = address === undefined ? "its addresses are" : `its address ${renderAddress(address)} is`;
  const by = rule === undefined ? words : `rule ${rule}${ofLayer(layer)} denies it`;
  return `${shown} taken out of the answer: ${by}`;
}

function whyAllowed({ rule, layer }: Decision): string {
  return rule === undefined
    ? "allowed by the default action"
    : `allowed by rule ${describeRule(rule)}${ofLayer(layer)}`;
}

function whyDenied({ rule, layer }: Decision, target: string): string {
  if (rule === undefined) return `no rule allows ${target}`;
  return `rule ${describeRule(rule)}${ofLayer(layer)} denies ${target}`;
}

function ofLayer(layer: Layer | "built-in"): string {
  return layer === "user" || layer === "default" ? "" : ` of ${layer}`;
}

const KERNEL_WORDS: Readonly<Record<Exclude<VerdictReason, "rule" | "learned" | "default">, string>> = {
  mode: "connections are not judged in mode dns",
  resolver: "lookups go to the sidecar's resolver, whatever server is asked",
  exempt: "a resolver that OPENSANDBOX_EGRESS_NAMESERVER_EXEMPT lets be asked directly",
  upstream: "the sidecar's own upstream, which nobody else may ask",
  loopback: "it stays in the sandbox",
  group: "broadcast and multicast are refused under every policy",
  "dns-over-tls": "DNS over TLS and QUIC is refused under every policy",
  "dns-over-https": "a DNS-over-HTTPS resolver, which OPENSANDBOX_EGRESS_BLOCK_DOH_443 has refused",
  ports: "the rules for its names allow other ports or protocols",
  revoked: "only names gave it that a change has denied, so it is refused for an hour",
};

function kernelWords({ address, kernel, decision, names, secondsLeft }: ExplainedAddress): string {
  const { by } = kernel;
  if (by === "learned") {
    const left = secondsLeft === undefined ? "" : `, for ${secondsLeft} s more`;
    return `let through, since a lookup of ${names[0] ?? "an allowed name"} gave it${left}`;
  }
  if (by !== "rule" && by !== "default") return KERNEL_WORDS[by];
  if (!kernel.passes) return expiredWords(whyDenied(kernel.decision ?? decision, address), names);
  if (decision.action === "deny")
    return `let through by audit mode; without it ${whyDenied(decision, address)}`;
  return whyAllowed(decision);
}

function expiredWords(why: string, names: readonly string[]): string {
  const [name] = names;
  return name === undefined
    ? `${why}, and no lookup has given it`
    : `${why}; ${name} gave it, and its time is over`;
}

const FAR_END: Readonly<Record<FarEnd, string>> = {
  answers: "; the far end answers",
  silent: "; the far end stays silent",
  refuses: "; the far end refuses it",
  unreachable: "; no way leads there, says the sandbox's side or a router",
  unknown: "; no flow to it is open: none was tried, or the far end has refused it",
};

function farEndWords(explained: ExplainedAddress): string {
  return isWorthATry(explained) ? FAR_END[explained.farEnd] : "";
}
