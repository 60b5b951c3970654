/** How many different scopes a policy may have, wherever it comes from. */
import type { Policy } from "./policy.ts";

/** Each is asked for each lookup, and is some rules of the kernel's. */
export const MAX_SCOPES = 256;

/** Rules for requests share the flows of two ports. */
export function countScopes({ egress }: Pick<Policy, "egress">): number {
  const keys = egress.flatMap(({ scope }) => (scope?.http === undefined ? (scope?.key ?? []) : []));
  return new Set(keys).size;
}

/** What is wrong with a policy that has more, and what to do; undefined: it has not. */
export function findScopesFault(policy: Pick<Policy, "egress">): string | undefined {
  const count = countScopes(policy);
  return count > MAX_SCOPES ? describeTooManyScopes(count) : undefined;
}

export function describeTooManyScopes(count: number): string {
  return `egress rules name ${count} different sets of ports, which exceeds limit ${MAX_SCOPES}: give several targets the same ports, or ranges`;
}
