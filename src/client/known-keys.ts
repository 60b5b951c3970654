/**
 * What the caller's types forbid, and JavaScript lets through: a key that nobody would read, such as
 * `dryrun`.
 */
import { UnknownKeyError } from "./errors.ts";

export const KEYS = {
  client: ["endpoint", "token", "proof", "headers", "timeoutMs", "retries"],
  call: ["signal"],
  change: ["signal", "ifMatch", "dryRun"],
  status: ["signal", "limit", "after"],
  explain: ["signal", "port", "protocol", "app", "try", "method", "path"],
  suggest: ["signal", "wildcards", "ports"],
  decisions: ["signal", "limit", "after", "decision", "name", "address", "kind"],
  follow: ["signal", "after", "decision", "name", "address", "kind"],
  policy: ["defaultAction", "egress"],
  rule: ["action", "target", "ports", "protocol", "app", "http"],
  http: ["methods", "paths"],
  removal: ["target", "ports", "protocol", "app", "http"],
} as const;

/** Throws UnknownKeyError for the first key of `value` that is none of `kind`. */
export function checkKeys(value: object, kind: keyof typeof KEYS, place: string): void {
  const known: readonly string[] = KEYS[kind];
  const key = Object.keys(value).find((one) => !known.includes(one));
  if (key !== undefined) throw new UnknownKeyError(`${place}.${key}`, known);
}

export function checkRules(rules: readonly object[], place: string): void {
  for (const [index, rule] of rules.entries()) checkRule(rule, "rule", `${place}[${index}]`);
}

export function checkRemovals(removals: readonly object[], place: string): void {
  for (const [index, removal] of removals.entries()) checkRule(removal, "removal", `${place}[${index}]`);
}

/**
 * A target that came out undefined would be sent as none, and mean every destination. Throws TypeError for
 * it.
 */
function checkRule(rule: object, kind: "rule" | "removal", place: string): void {
  checkKeys(rule, kind, place);
  if ("http" in rule) checkHttp(rule.http, `${place}.http`);
  const isGiven = Object.entries(rule).every(([key, value]) => key !== "target" || value !== undefined);
  if (!isGiven) throw new TypeError(`${place}.target is undefined: leave it out to mean every destination`);
}

/** The same of requests: what came out undefined would be left out, and every request be meant. */
function checkHttp(http: unknown, place: string): void {
  if (typeof http !== "object" || http === null) throw new TypeError(`${place} is no object`);
  checkKeys(http, "http", place);
  const lost = Object.entries(http).find(([, value]) => value === undefined);
  if (lost !== undefined)
    throw new TypeError(`${place}.${lost[0]} is undefined: leave it out to mean every request`);
}
