/**
 * Hosts whose requests a run's sidecar has to read since rules with `http` speak of them: bound to no secret,
 * unless they have one.
 */
import { neededPortsOf, schemeAt } from "../../../policy/http-scope.ts";
import type { Policy } from "../../../policy/policy.ts";
import type { Rule } from "../../../policy/rule.ts";
import type { AskedSecret } from "./parse-secret.ts";

export interface ReadHosts {
  /** Names and wildcards. */
  readonly hosts: readonly string[];
  readonly scheme: "https" | "http";
}

/** Those that no secret's binding covers, which is one for https; a list for each scheme that has some. */
export function findReadHosts(
  { egress }: Policy,
  secrets: readonly Pick<AskedSecret, "hosts">[],
): readonly ReadHosts[] {
  const bound = secrets.flatMap(({ hosts }) => hosts);
  return (["https", "http"] as const).flatMap((scheme) => {
    const named = egress.flatMap((rule) => (schemesOf(rule).includes(scheme) ? [rule.target.key] : []));
    const left = named.filter((host) => scheme === "http" || !bound.some((own) => takesIn(own, host)));
    return left.length === 0 ? [] : [{ hosts: [...new Set(left)], scheme }];
  });
}

function schemesOf({ scope }: Rule): readonly string[] {
  return scope?.http === undefined ? [] : neededPortsOf(scope).map(schemeAt);
}

/** Whether rules with `http` speak of some host that the pattern means. */
export function isRuledByRequests(rules: readonly Rule[], pattern: string): boolean {
  return rules.some(
    ({ target, scope }) =>
      scope?.http !== undefined && (takesIn(target.key, pattern) || takesIn(pattern, target.key)),
  );
}

/** Whether every host of the second pattern is one of the first; `*.a` is no name, and takes in `*.b.a`. */
export function takesIn(pattern: string, host: string): boolean {
  return pattern === host || (pattern.startsWith("*.") && host.replace(/^\*/, "").endsWith(pattern.slice(1)));
}
