/** Which hosts' requests are read: those that bindings name, over their schemes. */
import type { IsRead } from "../../policy/http-flows.ts";
import type { HttpPort } from "../../policy/http-scope.ts";
import type { RuleTarget } from "../../policy/target.ts";
import type { BindingMatch, Scheme } from "../binding.ts";
import { type HostPattern, matchesHost } from "../host-pattern.ts";

/** A value: it reflects the bindings as they are now. */
export function readHostsOf(bindings: Iterable<{ readonly match: BindingMatch }>): IsRead {
  const all = Array.from(bindings, ({ match }) => match);
  return (target, port) =>
    all.some(
      ({ schemes, hosts }) =>
        schemes.includes(SCHEMES[port]) && hosts.some((pattern) => coversTarget(pattern, target)),
    );
}

const SCHEMES: Readonly<Record<HttpPort, Scheme>> = { 443: "https", 80: "http" };

/** Whether the pattern covers all names of the target. */
function coversTarget(pattern: HostPattern, target: RuleTarget): boolean {
  if (target.kind === "name") return matchesHost(pattern, target.name);
  if (target.kind !== "wildcard" || pattern.kind === "exact") return false;
  return target.base === pattern.name || target.base.endsWith(`.${pattern.name}`);
}
