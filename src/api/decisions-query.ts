/**
 * What `GET /decisions` and `GET /events` are asked for. A parameter that is not known may ask for less than
 * what would come without it: it is refused.
 */
import { type Kind, KINDS, type Outcome, OUTCOMES } from "../decisions/decision-event.ts";
import type { DecisionFilter } from "../decisions/decision-filter.ts";
import { parseId } from "../decisions/present-decision.ts";
import { quote, renderProblems } from "../policy/problem.ts";
import { parseTarget } from "../policy/target.ts";
import type { Read } from "./http/body.ts";
import type { Queries } from "./queries.ts";

export const DECISIONS_LIMIT = { default: 100, most: 1000 } as const;

export interface DecisionsQuery {
  readonly filter: DecisionFilter;
  readonly limit: number;
  /** The number of the decision that stands before those that are wanted; undefined for the newest. */
  readonly after: number | undefined;
}

const FILTERS = ["decision", "name", "address", "kind"] as const;
const ALL = ["limit", "after", ...FILTERS] as const;

/** `run`: as in the ids of this process. */
export function readDecisionsQuery(queries: Queries, run: string): Read<DecisionsQuery> {
  const filter = readFilter(queries, ALL);
  if (!filter.ok) return filter;
  const limit = readLimit(queries["limit"]?.[0]);
  if (limit === undefined) return refuse(`limit: must be a whole number from 0 to ${DECISIONS_LIMIT.most}`);
  const [text] = queries["after"] ?? [];
  const after = text === undefined ? undefined : parseId(run, text);
  if (after === "another run") return refuse("after: the sidecar has been started again since that page");
  if (text !== undefined && after === undefined) return refuse("after: must be the next of an earlier page");
  return { ok: true, value: { filter: filter.value, limit, after } };
}

export function readEventsQuery(queries: Queries): Read<DecisionFilter> {
  return readFilter(queries, FILTERS);
}

function readFilter(queries: Queries, known: readonly string[]): Read<DecisionFilter> {
  const odd = findOdd(queries, known);
  if (odd !== undefined) return refuse(odd);
  const of = (parameter: (typeof FILTERS)[number]): string | undefined => queries[parameter]?.[0];
  const decisions = of("decision")?.split(",");
  if (decisions?.every(isOutcome) === false) {
    return refuse(`decision: must be one or several, joined by commas, of ${OUTCOMES.join(", ")}`);
  }
  const kind = of("kind");
  if (kind !== undefined && !isKind(kind)) return refuse(`kind: must be one of ${KINDS.join(", ")}`);
  const name = readName(of("name"));
  if (!name.ok) return name;
  const prefix = readPrefix(of("address"));
  if (!prefix.ok) return prefix;
  const read = { kind, decisions: decisions?.filter(isOutcome), name: name.value, prefix: prefix.value };
  return { ok: true, value: read };
}

/** A parameter that is not known, or given more than once. */
function findOdd(queries: Queries, known: readonly string[]): string | undefined {
  for (const [name, values] of Object.entries(queries)) {
    if (!known.includes(name)) {
      return `${quote(name)}: there is no such parameter, only ${known.join(", ")}`;
    }
    if (values.length > 1) return `${name}: must be given once`;
  }
  return undefined;
}

function isOutcome(text: string): text is Outcome {
  return OUTCOMES.some((outcome) => outcome === text);
}

function isKind(text: string): text is Kind {
  return KINDS.some((kind) => kind === text);
}

function readLimit(text: string | undefined): number | undefined {
  if (text === undefined) return DECISIONS_LIMIT.default;
  const value = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return value <= DECISIONS_LIMIT.most ? value : undefined;
}

function readName(text: string | undefined): Read<DecisionFilter["name"]> {
  if (text === undefined) return { ok: true, value: undefined };
  const target = parseTarget(text);
  if (!target.ok) return refuse(`name: ${renderProblems(target.problems)}`);
  if (target.value.kind === "prefix") return refuse("name: is an address: ask for it by address");
  const { value } = target;
  return { ok: true, value: value.kind === "name" ? { exact: value.name } : { base: value.base } };
}

function readPrefix(text: string | undefined): Read<DecisionFilter["prefix"]> {
  if (text === undefined) return { ok: true, value: undefined };
  const target = parseTarget(text);
  if (target.ok && target.value.kind === "prefix") return { ok: true, value: target.value.prefix };
  return refuse("address: must be an address or a prefix");
}

function refuse(message: string): Read<never> {
  return { ok: false, refusal: { code: "invalid-query", message } };
}
