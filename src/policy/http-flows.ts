/**
 * What rules with `http` are where only flows are judged, in lookups and in the kernel: an allow opens its
 * ports, and requests decide the rest; a deny refuses nothing there. A port at which the host's requests are
 * not read, since it is not bound, is denied by both: nobody could say what passes.
 */
import { type HttpPort, httpPortsOf } from "./http-scope.ts";
import type { PolicyLayers } from "./layers.ts";
import { type Rule, ruleKey } from "./rule.ts";
import type { Scope } from "./scope.ts";
import type { RuleTarget } from "./target.ts";

/** Whether requests to every host of the target are read at the port. */
export type IsRead = (target: RuleTarget, port: HttpPort) => boolean;

export const NONE_READ: IsRead = () => false;
export const ALL_READ: IsRead = () => true;

/** A rule with `http`, as one for flows. */
export interface HttpFlows {
  readonly action: "allow" | "deny";
  readonly scope: Scope;
}

/** What the rule is for flows: of both actions one at most. */
export function flowsOfHttp({ action, target }: Rule, scope: Scope, isRead: IsRead): readonly HttpFlows[] {
  const ports = httpPortsOf(action, scope);
  const read = ports.filter((port) => isRead(target, port));
  const unread = ports.filter((port) => !read.includes(port));
  return [
    ...(unread.length === 0 ? [] : [{ action: "deny" as const, scope: scopeOf(unread, false) }]),
    ...(read.length === 0 || action === "deny" ? [] : [{ action, scope: scopeOf(read, true) }]),
  ];
}

/** Of a deny UDP as well, by which HTTP/3 would go. */
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

/** In a text what `isRead` makes of the rules: while it is the same, they come to the same. */
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
