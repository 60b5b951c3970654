/** Which changes of the user's policy are not made, and why. */
import type { IsRead } from "../../policy/http-flows.ts";
import type { Policy } from "../../policy/policy.ts";
import { countScopes, MAX_SCOPES } from "../../policy/scope-limit.ts";
import type { ChangeOutcome, PolicyEdit } from "./policy-control.ts";
import { findUnreadRule } from "./read-hosts.ts";
import { findUnservedApp } from "./unserved-apps.ts";

export interface EditLimits {
  /** 0 is no cap. */
  readonly maxRules: number;
  /** Why no rule may ask what connections speak, with what to do about it; default: rules may. */
  readonly appsUnserved?: string | undefined;
}

/** Undefined if the edit may be made; `policy` is what it leads to. `isRead`: whose requests are read. */
export function refuseEdit(
  edit: PolicyEdit,
  policy: Policy,
  isRead: IsRead,
  { maxRules, appsUnserved }: EditLimits,
): ChangeOutcome | undefined {
  const count = policy.egress.length;
  if (maxRules > 0 && count > maxRules) return { kind: "too-many-rules", count, limit: maxRules };
  const scopes = countScopes(policy);
  if (scopes > MAX_SCOPES) return { kind: "too-many-scopes", count: scopes };
  const unread = findUnreadRule(edit, isRead);
  if (unread !== undefined) return { kind: "unread", problem: unread };
  const unserved = appsUnserved === undefined ? undefined : findUnservedApp(edit, appsUnserved);
  return unserved && { kind: "unserved-app", problem: unserved };
}
