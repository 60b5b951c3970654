/** The sentences of an explanation. */
import { REASON_WORDS } from "../../decisions/decision-event.ts";
import type { KeptDecision } from "../../decisions/decision-ring.ts";
import {
  type ExplainedAddress,
  type FarEnd,
  isWorthATry,
} from "../../enforcement/explain/explain-address.ts";
import type { AskedFlow } from "../../enforcement/explain/explain-name.ts";
import type { VerdictReason } from "../../enforcement/explain/kernel-verdict.ts";
import { renderAddress } from "../../policy/address.ts";
import type { Decision, Layer } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { describeRule } from "../../policy/rule.ts";

export function describeFailure({ decision, addresses, rule, layer, reason }: KeptDecision): string {
  const words = reason === undefined ? "" : REASON_WORDS[reason];
  if (decision === "nxdomain") return "the upstream says that there is no such name";
  if (decision === "nodata") return "the upstream says that it has no address";
  if (decision === "failed") return `its lookup failed: ${words}`;
  const [address] = addresses;
  const shown = address === undefined ? "its addresses are" : `its address ${renderAddress(address)} is`;
  const by = rule === undefined ? words : `rule ${rule}${ofLayer(layer)} denies it`;
  return `${shown} taken out of the answer: ${by}`;
}

export function whyAllowed({ rule, layer }: Decision): string {
  return rule === undefined
    ? "allowed by the default action"
    : `allowed by rule ${describeRule(rule)}${ofLayer(layer)}`;
}

export function whyDenied({ rule, layer }: Decision, target: string): string {
  if (rule === undefined) return `no rule allows ${target}`;
  return `rule ${describeRule(rule)}${ofLayer(layer)} denies ${target}`;
}

export function auditWords(decision: Decision, what: string): string {
  return `audit mode lets ${what} through; without it ${whyDenied(decision, what)}`;
}

/** `tcp port 25 of NAME`. */
export function placeWords(name: DomainName, { protocol, port, app }: AskedFlow): string {
  if (port === undefined) return `${protocol} to ${name}`;
  const what = app === undefined ? protocol : `${app} over ${protocol}, at`;
  return `${what} port ${port} of ${name}`;
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

/** `asked`: the name that was asked about, if one was. */
export function kernelWords(explained: ExplainedAddress, asked?: DomainName): string {
  const { address, flow, kernel, decision, names } = explained;
  const { by } = kernel;
  if (by === "learned") return `let through, ${givenWords(explained, asked)}${quicWords(explained)}`;
  if (by === "ports" && flow === undefined) return "the rules for its names allow some ports or protocols";
  if (by !== "rule" && by !== "default") return KERNEL_WORDS[by];
  if (!kernel.passes) return expiredWords(whyDenied(kernel.decision ?? decision, address), names);
  if (decision.action === "deny")
    return `let through by audit mode; without it ${whyDenied(decision, address)}`;
  return whyAllowed(decision);
}

function givenWords({ openers, secondsLeft }: ExplainedAddress, asked?: DomainName): string {
  const left = secondsLeft === undefined ? "" : `, for ${secondsLeft} s more`;
  const giver = openers.find((name) => name === asked) ?? openers[0] ?? "an allowed name";
  return `since a lookup of ${giver} gave it${left}`;
}

function quicWords({ isQuicRefused }: ExplainedAddress): string {
  return isQuicRefused ? ", but QUIC (HTTP/3) is refused there: its clients fall back to TCP" : "";
}

/** Of an address that other names have opened. */
export function namelessWords(explained: ExplainedAddress): string {
  return `what shows no name passes to ${explained.address}, ${givenWords(explained)}`;
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

export function farEndWords(explained: ExplainedAddress): string {
  return isWorthATry(explained) ? FAR_END[explained.farEnd] : "";
}
