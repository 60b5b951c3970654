/** Decisions in a person's words, and what a rule for them would be. */
import type { components } from "../../client/api-types.ts";

export type Decision = Readonly<components["schemas"]["Decision"]>;

/** The three lines of the plot. */
export type Side = "allowed" | "denied" | "other";

/** By a rule or the default action; in audit mode it would have been. */
export function isDenied({ decision }: Pick<Decision, "decision">): boolean {
  return decision === "denied" || decision === "audited";
}

/** `other` has an answer, or none, that no rule is the reason of. */
export function sideOf(decision: Pick<Decision, "decision">): Side {
  if (decision.decision === "allowed") return "allowed";
  return isDenied(decision) || decision.decision === "withheld" ? "denied" : "other";
}

/** `api.example.org AAAA`, or `192.0.2.7:443 tcp (api.example.org)`. */
export function subjectOf(decision: Decision): string {
  const { kind, name, type, port, protocol } = decision;
  if (kind === "lookup") return [name ?? ".", type].filter(Boolean).join(" ");
  const [address = ""] = decision.addresses;
  const place = port === undefined ? address : `${address.includes(":") ? `[${address}]` : address}:${port}`;
  return [place, protocol, name === undefined ? undefined : `(${name})`].filter(Boolean).join(" ");
}

/** Who decided, and why: `default`, `user: *.example.org`, `built-in: a special address`. */
export function deciderOf({ layer, rule, message, reason }: Decision): string {
  const why = rule ?? message ?? reason;
  return why === undefined ? layer : `${layer}: ${why}`;
}

/** Of a lookup the addresses, or the response code; nothing of a connection. */
export function answerOf({ kind, addresses, moreAddresses, rcode, decision }: Decision): string {
  if (kind === "connection") return "";
  if (addresses.length === 0) return decision === "allowed" ? "NOERROR" : (rcode ?? "");
  return addresses.join(", ") + (moreAddresses === undefined ? "" : ` and ${moreAddresses} more`);
}

/** The target of the rule that would allow it; undefined if no rule of the user's can. */
export function allowTargetOf(decision: Decision): string | undefined {
  if (decision.layer !== "user" && decision.layer !== "default") return undefined;
  return decision.kind === "lookup" ? decision.name : decision.addresses[0];
}
