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
  explain: ["signal", "port", "protocol", "try"],
  suggest: ["signal", "wildcards", "ports"],
  decisions: ["signal", "limit", "after", "decision", "name", "address", "kind"],
  follow: ["signal", "after", "decision", "name", "address", "kind"],
  policy: ["defaultAction", "egress"],
  rule: ["action", "target", "ports", "protocol"],
  removal: ["target", "ports", "protocol"],
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
  const isGiven = Object.entries(rule).every(([key, value]) => key !== "target" || value !== undefined);
  if (!isGiven) throw new TypeError(`${place}.target is undefined: leave it out to mean every destination`);
}
