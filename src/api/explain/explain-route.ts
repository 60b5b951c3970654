/** `GET /explain`: what becomes of a name or an address, for those who may read the policy. */
import { describeRule } from "../../policy/rule.ts";
import type { DecisionFilter } from "../../decisions/decision-filter.ts";
import type { KeptDecision } from "../../decisions/decision-ring.ts";
import { presentDecision } from "../../decisions/present-decision.ts";
import type { ExplainedAddress } from "../../enforcement/explain/explain-address.ts";
import type { Explained, ExplainRequest } from "../../enforcement/explain/explain.ts";
import type { ExplainedName } from "../../enforcement/explain/explain-name.ts";
import type { ExplainedRequest } from "../../enforcement/explain/explain-request.ts";
import type { ExplainedSpoken } from "../../enforcement/explain/explain-spoken.ts";
import type { HostBinding } from "../../enforcement/interception/bound-hosts.ts";
import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import type { Auth } from "../auth/auth.ts";
import type { ApiContext } from "../context.ts";
import { readQueries } from "../queries.ts";
import type { DecisionSources } from "../decisions-route.ts";
import { refuseWrite } from "../read-only.ts";
import { type Refusal, renderRefusal } from "../refusal.ts";
import { addRequest, isIntercepted } from "./conclude-request.ts";
import { addSpoken } from "./conclude-spoken.ts";
import { conclude } from "./conclude.ts";
import { type ExplainQuery, readExplainQuery } from "./explain-query.ts";

export interface ExplainParts {
  readonly explain: (request: ExplainRequest) => Promise<Explained>;
  readonly decisions: DecisionSources;
  readonly takeTry: ReturnType<typeof createTries>;
}

export async function serveExplain(c: ApiContext, auth: Auth, parts: ExplainParts): Promise<Response> {
  const refusal = auth.refuseCaller(c) ?? refuseWrite(c);
  if (refusal !== undefined) return renderRefusal(c, refusal);
  const query = readExplainQuery(readQueries(c));
  if (!query.ok) return renderRefusal(c, query.refusal);
  const done = query.value.isTried ? parts.takeTry() : NOTHING_TO_END;
  if (done === undefined) return renderRefusal(c, TOO_MANY_TRIES);
  try {
    return c.json(await describe(query.value, parts));
  } finally {
    done();
  }
}

const NOTHING_TO_END = (): void => undefined;

/** Calls that try connections, each of which takes some seconds and sockets. */
const MOST_TRIES = 4;
const TOO_MANY_TRIES: Refusal = {
  code: "too-many-tries",
  message: `${MOST_TRIES} other calls are trying connections: ask again in some seconds, or without try`,
};

/** Gives what ends a try, or undefined if as many as there may be are under way. */
export function createTries(): () => (() => void) | undefined {
  let underWay = 0;
  return () => {
    if (underWay === MOST_TRIES) return undefined;
    underWay += 1;
    return () => {
      underWay -= 1;
    };
  };
}

async function describe(
  query: ExplainQuery,
  { explain, decisions }: Omit<ExplainParts, "takeTry">,
): Promise<object> {
  const { target, port, protocol, app } = query;
  const lookups = target.kind === "name" ? lastLookups(decisions, target.name) : [];
  const addresses = lookups.flatMap((lookup) => lookup.addresses).filter(isAddress);
  const explained = await explain({ ...query, addresses });
  const { name, bindings, request, spoken } = explained;
  const isRead = isIntercepted(bindings, query);
  const concluded = addSpoken(conclude(explained, lookups), explained, query);
  const { reachable, because, patch } = addRequest(concluded, explained, isRead);
  return {
    status: "ok",
    target: target.key,
    ...(port === undefined ? {} : { port }),
    protocol,
    ...(app === undefined ? {} : { app }),
    audit: explained.isAudit,
    reachable,
    because,
    patch: {
      ...(patch.allow === undefined ? {} : { allow: patch.allow }),
      ...(patch.deny === undefined ? {} : { deny: patch.deny }),
    },
    ...(name === undefined ? {} : { name: describeName(name) }),
    ...(bindings === undefined
      ? {}
      : { interception: { intercepted: isRead, bindings: bindings.map(describeBinding) } }),
    ...(request === undefined ? {} : { request: describeRequest(request) }),
    ...(spoken === undefined ? {} : { spoken: spoken.map(describeSpoken) }),
    addresses: explained.addresses.map(describeAddress),
    lookups: lookups.map((lookup) => presentDecision(lookup, decisions)),
  };
}

function describeName({ decision, matches, answer }: ExplainedName): object {
  return { decision: describeDecision(decision), matches, answer };
}

function describeBinding({ name, ports, sinceMs, problem }: HostBinding): object {
  const since = new Date(sinceMs).toISOString();
  return { name, ports, since, ...(problem === undefined ? {} : { problem }) };
}

function describeSpoken({ app, name, passes, fault, decision }: ExplainedSpoken): object {
  return {
    app,
    ...(name === undefined ? {} : { name }),
    passes,
    ...(fault === undefined ? {} : { fault }),
    decision: describeDecision(decision),
  };
}

function describeRequest(request: ExplainedRequest): object {
  const { method, path } = request;
  if (request.kind === "ambiguous") return { method, path, ambiguous: true };
  return {
    method,
    path,
    ...(request.kind === "decided" ? { decision: describeDecision(request.decision) } : {}),
  };
}

function describeAddress(explained: ExplainedAddress): object {
  const { address, names, secondsLeft, matches, flows, farEnd, isTried, decision, kernel } = explained;
  return {
    address,
    names,
    ...(secondsLeft === undefined ? {} : { secondsLeft }),
    matches,
    flows,
    farEnd,
    ...(isTried ? { tried: true } : {}),
    decision: describeDecision(decision),
    kernel: { passes: kernel.passes, by: kernel.by },
  };
}

function describeDecision({ action, layer, rule }: Decision): object {
  return { action, layer, ...(rule === undefined ? {} : { rule: describeRule(rule) }) };
}

/** Of each type the newest that is still kept. */
function lastLookups({ ring }: DecisionSources, name: DomainName): readonly KeptDecision[] {
  const filter: DecisionFilter = {
    kind: "lookup",
    decisions: undefined,
    name: { exact: name },
    prefix: undefined,
  };
  const found = new Map<number, KeptDecision>();
  for (let number = ring.newest(); number >= ring.oldest() && found.size < TYPES_SHOWN; number -= 1) {
    if (!ring.matches(number, filter)) continue;
    const kept = ring.read(number);
    if (!found.has(kept.qtype)) found.set(kept.qtype, kept);
  }
  return [...found.values()];
}

const TYPES_SHOWN = 8;

function isAddress({ length }: Uint8Array): boolean {
  return length === 4 || length === 16;
}
