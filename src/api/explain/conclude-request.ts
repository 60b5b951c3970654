/** What interception and the rules for requests add to a conclusion on a name. */
import type { ExplainedRequest } from "../../enforcement/explain/explain-request.ts";
import type { Explained } from "../../enforcement/explain/explain.ts";
import type { HostBinding } from "../../enforcement/interception/bound-hosts.ts";
import { describeRule } from "../../policy/rule.ts";
import type { Conclusion } from "./conclude.ts";

/** Whether requests over connections to the port are read; without a port, to any. */
export function isIntercepted(
  bindings: readonly HostBinding[] | undefined,
  { port, protocol }: { readonly port: number | undefined; readonly protocol: string },
): boolean {
  if (protocol !== "tcp") return false;
  return (bindings ?? []).some(({ ports }) => port === undefined || ports.some((one) => one === port));
}

/** A request that is refused is not reached, whatever its connection is. No rule is proposed for it. */
export function addRequest(
  conclusion: Conclusion,
  { bindings, request, isAudit, unread }: Pick<Explained, "bindings" | "request" | "isAudit" | "unread">,
  isRead: boolean,
): Conclusion {
  const names = (bindings ?? []).map(({ name }) => name).join(", ");
  const read = isRead ? `; its requests are read here, for the binding ${names}` : "";
  const closed =
    unread === undefined
      ? ""
      : `; rule ${describeRule(unread)} denies what it speaks of, since no binding has requests to it read`;
  const because = `${conclusion.because}${read}${closed}`;
  if (request === undefined) return { ...conclusion, because };
  const shown = `${request.method} ${request.path}`;
  if (!isRead)
    return {
      ...conclusion,
      because: `${because}; requests are not read there: ${shown} passes as its connection does`,
    };
  const refused = whyRefused(request);
  if (refused === undefined)
    return { ...conclusion, because: `${because}; ${shown} is allowed${byRule(request)}` };
  if (isAudit)
    return { ...conclusion, because: `${because}; audit mode lets ${shown} through; without it ${refused}` };
  return {
    reachable: false,
    because: `${because}; ${shown} is refused: ${refused}`,
    patch: conclusion.patch,
  };
}

function whyRefused(request: ExplainedRequest): string | undefined {
  if (request.kind === "unruled") return undefined;
  if (request.kind === "ambiguous") return "servers may read its path in two ways";
  const { action, rule } = request.decision;
  if (action === "allow") return undefined;
  return rule === undefined ? "no rule allows it" : `rule ${describeRule(rule)} denies it`;
}

function byRule(request: ExplainedRequest): string {
  if (request.kind !== "decided") return ", as no rule speaks of requests to it";
  const { rule } = request.decision;
  return rule === undefined ? " by the default action" : ` by rule ${describeRule(rule)}`;
}
