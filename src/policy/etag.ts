import { hash } from "node:crypto";
import { type Policy, renderPolicy } from "./policy.ts";

/** Strong entity tag, quotes included (RFC 9110 section 8.8.3): equal exactly when order, spelling, actions and default are. */
export function policyEtag(policy: Policy): string {
  return `"${hash("sha256", JSON.stringify(renderPolicy(policy)), "base64url")}"`;
}
