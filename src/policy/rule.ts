import type { WrittenHttp } from "./http-match.ts";
import type { Scope } from "./scope.ts";
import type { RuleTarget } from "./target.ts";

/** What happens to what a rule matches. */
export type Action = "allow" | "deny";

/**
 * One line of a policy: what is done with what the target matches, or of that with the flows in its scope.
 */
export interface Rule {
  readonly action: Action;
  /** Only a rule with a scope may speak of every destination. */
  readonly target: RuleTarget;
  readonly scope?: Scope | undefined;
}

/** A rule as JSON shows it: what was sent. */
export interface RuleJson {
  readonly action: Action;
  readonly target?: string;
  readonly ports?: readonly (number | string)[];
  readonly protocol?: string;
  readonly http?: WrittenHttp;
}

export function renderRule({ action, target, scope }: Rule): RuleJson {
  // Most rules have no scope, and a policy may have thousands.
  return scope === undefined
    ? { action, target: target.text }
    : { action, ...renderScoped({ target, scope }) };
}

/** What of a rule says what it speaks of. */
export function renderScoped({ target, scope }: Pick<Rule, "target" | "scope">): Omit<RuleJson, "action"> {
  return { ...(target.kind === "everywhere" ? {} : { target: target.text }), ...scope?.written };
}

/** What PATCH and DELETE know a rule by: rules with the same key speak of the same. */
export function ruleKey({ target, scope }: Pick<Rule, "target" | "scope">): string {
  return scope === undefined ? target.key : `${target.key} ${scope.key}`;
}

/** What a rule speaks of, for people: the target as it was written, and its scope. */
export function describeRule({ target, scope }: Pick<Rule, "target" | "scope">): string {
  if (scope === undefined) return target.text;
  return `${target.kind === "everywhere" ? "every destination" : target.text} ${scope.key}`;
}

/**
 * Reads an action: trimmed, any case; nothing or blank is `deny`, the closed reading; anything else unknown
 * is `undefined`.
 */
export function parseAction(text: string | null | undefined): Action | undefined {
  const action = (text ?? "").trim().toLowerCase();
  if (action === "allow") return "allow";
  return action === "deny" || action === "" ? "deny" : undefined;
}
