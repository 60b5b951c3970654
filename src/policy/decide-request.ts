/**
 * Which rule decides a request to a host whose requests are read. It is the first that matches in list order,
 * over name, port, method and path. A rule without `http` decides every request that gets to it.
 */
import { holdsApp } from "./app.ts";
import type { Decision } from "./decision.ts";
import type { DomainName } from "./domain-name.ts";
import { holdsFlow } from "./flow-set.ts";
import { type HttpRequest, matchesRequest } from "./http-match.ts";
import { type ReadPath, readPath } from "./http-path.ts";
import { appOf, type HttpPort, httpPortsOf, schemeAt } from "./http-scope.ts";
import type { PolicyLayers } from "./layers.ts";
import type { Rule } from "./rule.ts";
import { flowsOfScope } from "./scope.ts";
import type { RuleTarget } from "./target.ts";

/** Of one host at one port. */
export interface RequestJudge {
  decide(request: HttpRequest): Decision;
}

const HOSTS_KEPT = 1024;

export interface RequestJudges {
  /** Undefined if no rule with `http` matches: the decision on the flow then holds for its requests. */
  find(host: DomainName, port: number): RequestJudge | undefined;
}

/** Searches the rules once for each host, and keeps the results for a bounded number of hosts. */
export function createRequestJudges(layers: PolicyLayers): RequestJudges {
  const kept = new Map<string, RequestJudge | undefined>();
  return {
    find(host, port) {
      const key = `${host}:${port}`;
      if (kept.has(key)) return kept.get(key);
      if (kept.size >= HOSTS_KEPT) kept.clear();
      const judge = createJudge(layers, host, port);
      kept.set(key, judge);
      return judge;
    },
  };
}

function createJudge(layers: PolicyLayers, host: DomainName, port: number): RequestJudge | undefined {
  const rules: Decision[] = [];
  let last: Decision | undefined;
  for (const decision of decisionsOf(layers)) {
    const { rule } = decision;
    if (rule !== undefined && !speaksOf(rule, host, port)) continue;
    if (rule?.scope?.http === undefined) {
      last = decision;
      break;
    }
    rules.push(decision);
  }
  if (last === undefined || rules.length === 0) return undefined;
  const otherwise = last;
  // The caller may ask about one request with several methods; its path, which may be long, is read once.
  let latest: { readonly path: string; readonly read: ReadPath } | undefined;
  return {
    decide(request) {
      const { path } = request;
      if (latest?.path !== path) latest = { path, read: readPath(path) };
      const { read } = latest;
      const matches = ({ action, rule }: Decision): boolean =>
        rule?.scope?.http !== undefined && matchesRequest(rule.scope.http, action, request, read);
      return rules.find(matches) ?? otherwise;
    },
  };
}

/** All rules that may decide, in order. The last one decides whatever is left. */
function* decisionsOf({ denyAlways, allowAlways, user }: PolicyLayers): Generator<Decision> {
  for (const target of denyAlways)
    yield { action: "deny", layer: "deny.always", rule: { action: "deny", target } };
  for (const target of allowAlways)
    yield { action: "allow", layer: "allow.always", rule: { action: "allow", target } };
  for (const rule of user.egress) yield { action: rule.action, layer: "user", rule };
  yield { action: user.defaultAction, layer: "default", rule: undefined };
}

function speaksOf({ action, target, scope }: Rule, host: DomainName, port: number): boolean {
  if (!holdsHost(target, host)) return false;
  if (scope === undefined) return true;
  if (scope.http !== undefined) return httpPortsOf(action, scope).some((one: HttpPort) => one === port);
  const app = appOf(schemeAt(port));
  return holdsFlow(flowsOfScope(action, scope), { protocol: "tcp", port }) && holdsApp(scope.app, app);
}

/** Whether the target is the host's name, or has it below. */
export function holdsHost(target: RuleTarget, host: DomainName): boolean {
  if (target.kind === "everywhere") return true;
  if (target.kind === "name") return target.name === host;
  return target.kind === "wildcard" && host.endsWith(`.${target.base}`);
}
