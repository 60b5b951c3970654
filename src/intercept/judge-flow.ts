/**
 * What becomes of a flow that was led here, by what its first octets show. Pure.
 *
 * A bound name is answered for here only if our resolver gave the client this address for it, so that a
 * secret goes nowhere else. Another name that is allowed at the address is passed on unread, as the policy
 * lets it. All else is refused: what shows no name could be anybody's.
 *
 * Known limit: over http only the first request of a connection to a name that is not bound is looked at.
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
  /** To where it goes, unread. */
  | { readonly kind: "pass"; readonly name: DomainName }
  | {
      readonly kind: "refuse";
      readonly why: RefusalKind;
      readonly name: DomainName | undefined;
      readonly reason: string;
    };

/** As they are at the moment of the call. */
export interface FlowFacts {
  readonly isAllowed: (name: DomainName) => boolean;
  readonly isBound: (name: DomainName, scheme: FlowScheme) => boolean;
  /** Whether our resolver gave the flow's address for the name, and that holds still. */
  readonly wasGiven: (name: DomainName) => boolean;
}

export function judgeFlow(shown: Shown, facts: FlowFacts): FlowVerdict {
  if (shown.kind === "tls") return judgeName(shown.name, "https", facts);
  if (shown.kind === "http") return judgeName(shown.name, "http", facts);
  if (shown.kind === "refused") return unnamed(shown.reason);
  if (shown.kind === "other") return unnamed("neither TLS nor HTTP");
  // No later octet takes the name back.
  const isDenied = shown.name !== undefined && !facts.isAllowed(shown.name);
  return isDenied ? denied(shown.name) : { kind: "incomplete" };
}

/** Of a flow that ends, or takes too long, before it has shown a name. */
export function unnamed(reason: string): FlowVerdict & { readonly kind: "refuse" } {
  return { kind: "refuse", why: "unnamed", name: undefined, reason };
}

function judgeName(name: DomainName | undefined, scheme: FlowScheme, facts: FlowFacts): FlowVerdict {
  if (name === undefined)
    return unnamed(scheme === "https" ? "TLS without a server name" : "HTTP without a Host");
  if (!facts.isAllowed(name)) return denied(name);
  if (!facts.isBound(name, scheme)) return { kind: "pass", name };
  if (facts.wasGiven(name)) return { kind: "answer", name, scheme };
  const reason = "a bound name at an address that was not looked up for it";
  return { kind: "refuse", why: "elsewhere", name, reason };
}

function denied(name: DomainName): FlowVerdict {
  return { kind: "refuse", why: "denied", name, reason: "the policy denies the name" };
}
