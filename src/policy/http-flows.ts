/**
 * What rules with `http` mean to code that judges only flows: lookups and the kernel. An allow opens its
 * ports, and requests decide the rest; a deny refuses nothing there. At a port whose requests are not read,
 * because no binding covers it, both deny: nobody could say what passes.
 */
import { type HttpPort, httpPortsOf } from "./http-scope.ts";
import type { PolicyLayers } from "./layers.ts";
import { type Rule, ruleKey } from "./rule.ts";
import type { Scope } from "./scope.ts";
import type { RuleTarget } from "./target.ts";

/** Whether the sidecar reads requests to every host of the target at this port. */
export type IsRead = (target: RuleTarget, port: HttpPort) => boolean;

export const NONE_READ: IsRead = () => false;
export const ALL_READ: IsRead = () => true;

/** A rule with `http`, as one for flows. */
export interface HttpFlows {
  readonly action: "allow" | "deny";
  readonly scope: Scope;
}

/** What the rule means for flows: of the two actions one at most. */
export function flowsOfHttp({ action, target }: Rule, scope: Scope, isRead: IsRead): readonly HttpFlows[] {
  const ports = httpPortsOf(action, scope);
  const read = ports.filter((port) => isRead(target, port));
  const unread = ports.filter((port) => !read.includes(port));
  return [
    ...(unread.length === 0 ? [] : [{ action: "deny" as const, scope: scopeOf(unread, false) }]),
    ...(read.length === 0 || action === "deny" ? [] : [{ action, scope: scopeOf(read, true) }]),
  ];
}

/** A deny refuses UDP as well: HTTP/3 would use it. */
function scopeOf(ports: readonly HttpPort[], isProtocolSaid: boolean): Scope {
  return {
    written: {},
    key: `tcp/${ports.join(",")}`,
    protocol: "tcp",
    isProtocolSaid,
    ports: ports.map((port) => ({ first: port, last: port })),
  };
}

/** Whether a rule of the user speaks of requests. */
export function speaksOfRequests(rules: readonly Pick<Rule, "scope">[]): boolean {
  return rules.some(({ scope }) => scope?.http !== undefined);
}

/** What `isRead` says of these rules, as text: as long as it is the same, they compile to the same. */
export function describeRead({ user }: PolicyLayers, isRead: IsRead): string {
  const lines: string[] = [];
  for (const rule of user.egress) {
    const { action, scope, target } = rule;
    if (scope?.http === undefined) continue;
    const read = httpPortsOf(action, scope).filter((port) => isRead(target, port));
    lines.push(`${ruleKey(rule)} ${read.join(",")}`);
  }
  return lines.join("\n");
}
