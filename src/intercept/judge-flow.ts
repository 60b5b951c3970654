/**
 * What becomes of a flow that was led here, by what its first octets show. Pure.
 *
 * We answer for a bound name only if our resolver gave the client this address for it, so a secret goes
 * nowhere else. Another name that is allowed at the address passes unread, as the policy lets it. All else is
 * refused: a flow that shows no name could be anybody's.
 *
 * Known limit: over http only the first request of a connection to an unbound name is checked.
 */
import type { DomainName } from "../policy/domain-name.ts";
import type { Shown } from "../wire-names/shown.ts";
import type { FlowScheme } from "./flow-identity.ts";

/**
 * `unnamed`: no name, or none that could be read. `denied`: by the policy. `elsewhere`: a bound name at an
 * address that our resolver did not give for it.
 */
export type RefusalKind = "unnamed" | "denied" | "elsewhere";

export type FlowVerdict =
  | { readonly kind: "incomplete" }
  /** Its requests are read here. */
  | { readonly kind: "answer"; readonly name: DomainName; readonly scheme: FlowScheme }
  /** It passes unread to where it goes. Without a name by its address alone. */
  | { readonly kind: "pass"; readonly name: DomainName | undefined }
  | {
      readonly kind: "refuse";
      readonly why: RefusalKind;
      readonly name: DomainName | undefined;
      readonly reason: string;
    };

/** Never `incomplete`. */
export type SettledVerdict = Exclude<FlowVerdict, { readonly kind: "incomplete" }>;

/** As they are at the moment of the call. */
export interface FlowFacts {
  readonly isAllowed: (name: DomainName, scheme: FlowScheme) => boolean;
  readonly isBound: (name: DomainName, scheme: FlowScheme) => boolean;
  /** Whether rules speak of requests to it at this port: then none may pass unread. */
  readonly isRuled?: (name: DomainName) => boolean;
  /** Whether our resolver gave the flow's address for the name, and that is still valid. */
  readonly wasGiven: (name: DomainName) => boolean;
  /** What lets the flow go to its address, whatever it shows; undefined if only its name can. */
  readonly byAddress?: () => ByAddress | undefined;
}

/** A rule for addresses; or the default action, which does not overrule a name that is denied. */
export type ByAddress = "rule" | "default";

export function judgeFlow(shown: Shown, facts: FlowFacts): FlowVerdict {
  if (shown.kind === "tls") return judgeName(shown.name, "https", facts);
  if (shown.kind === "http") return judgeName(shown.name, "http", facts);
  if (shown.kind === "refused") return judgeUnnamed(shown.reason, facts);
  if (shown.kind === "other") return judgeUnnamed("neither TLS nor HTTP", facts);
  // No later octet takes the name back.
  const isDenied = shown.name !== undefined && !facts.isAllowed(shown.name, "https");
  return isDenied ? judgeDenied(shown.name, facts) : { kind: "incomplete" };
}

/** For a flow that shows no name, or none that could be read. */
export function judgeUnnamed(reason: string, { byAddress }: FlowFacts): SettledVerdict {
  return byAddress?.() === undefined ? unnamed(reason) : BY_ADDRESS;
}

const BY_ADDRESS: SettledVerdict = { kind: "pass", name: undefined };

/** For a flow that ends, or takes too long, before it has shown a name. */
export function unnamed(reason: string): FlowVerdict & { readonly kind: "refuse" } {
  return { kind: "refuse", why: "unnamed", name: undefined, reason };
}

function judgeName(name: DomainName | undefined, scheme: FlowScheme, facts: FlowFacts): FlowVerdict {
  if (name === undefined)
    return judgeUnnamed(scheme === "https" ? "TLS without a server name" : "HTTP without a Host", facts);
  if (!facts.isAllowed(name, scheme)) return judgeDenied(name, facts);
  if (!facts.isBound(name, scheme))
    return facts.isRuled?.(name) === true ? unread(name) : { kind: "pass", name };
  if (facts.wasGiven(name)) return { kind: "answer", name, scheme };
  const reason = "a bound name at an address that was not looked up for it";
  return { kind: "refuse", why: "elsewhere", name, reason };
}

/** TLS at the port of plain HTTP, or the other way round. */
function unread(name: DomainName): SettledVerdict {
  const reason = "rules speak of its requests, which are not read in this protocol at this port";
  return { kind: "refuse", why: "denied", name, reason };
}

function judgeDenied(name: DomainName, { byAddress }: FlowFacts): SettledVerdict {
  if (byAddress?.() === "rule") return BY_ADDRESS;
  return { kind: "refuse", why: "denied", name, reason: "the policy denies the name" };
}
