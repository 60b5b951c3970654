/** The key `http` of rules and removals, as JSON. */
import * as z from "zod/mini";
import { type HttpMatch, parseHttp } from "./http-match.ts";
import { narrowToRequests } from "./http-scope.ts";
import { type Problem, type Result, accepted, refusedAll } from "./problem.ts";
import { parseScope, type Scope, type SentFlows } from "./scope.ts";
import type { RuleTarget } from "./target.ts";

const listShape = z.nullish(
  z.array(z.string({ error: () => "must be a string" }), { error: () => "must be an array of strings" }),
);
export const httpShape = z.nullish(
  z.object(
    { methods: listShape, paths: listShape },
    { error: () => 'must be an object such as {"methods": ["GET"]}' },
  ),
);

/** The keys of a rule that say its scope, as they were sent. */
export interface SentScope extends SentFlows {
  readonly http?:
    | Partial<Record<"methods" | "paths", readonly string[] | null | undefined>>
    | null
    | undefined;
}

/** Whether a rule says a scope. */
export function saysScope({ ports, protocol, app, http }: SentScope): boolean {
  return (ports ?? protocol ?? app ?? http ?? undefined) !== undefined;
}

/** The scope of keys as they were sent; undefined if there are none. A problem's path is the key's. */
export function readScope(sent: SentScope, target: RuleTarget | undefined): Result<Scope | undefined> {
  const plain = parseScope(sent);
  if (sent.http === null || sent.http === undefined) return plain;
  const http = inHttp(parseHttp(sent.http.methods, sent.http.paths));
  const misplaced = refuseTarget(target);
  if (!plain.ok || !http.ok || misplaced !== undefined) {
    const problems = [plain, http].flatMap((result) => (result.ok ? [] : result.problems));
    return refusedAll(misplaced === undefined ? problems : [...problems, misplaced]);
  }
  return narrowToRequests(plain.value, http.value);
}

function inHttp(parsed: Result<HttpMatch>): Result<HttpMatch> {
  return parsed.ok ? accepted(parsed.value) : { ok: false, problems: parsed.problems.map(inside) };
}

function inside({ path, message }: Problem): Problem {
  return { path: path === "" ? "http" : `http.${path}`, message };
}

/** The sidecar reads requests by the name of their host. */
function refuseTarget(target: RuleTarget | undefined): Problem | undefined {
  if (target === undefined || target.kind === "name" || target.kind === "wildcard") return undefined;
  return {
    path: "http",
    message: "needs a name or a wildcard as its target: requests are read by their host's name",
  };
}
