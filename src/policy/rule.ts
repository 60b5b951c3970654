import type { WrittenHttp } from "./http-match.ts";
import type { Scope } from "./scope.ts";
import type { RuleTarget } from "./target.ts";

/** What becomes of what a rule matches. */
export type Action = "allow" | "deny";

/** One line of a policy: what becomes of all that the target matches, or of its flows in the scope. */
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
  readonly app?: string;
  readonly http?: WrittenHttp;
}

export function renderRule({ action, target, scope }: Rule): RuleJson {
  // Most rules have no scope, and a policy may have thousands.
  return scope === undefined
    ? { action, target: target.text }
    : { action, ...renderScoped({ target, scope }) };
}

/** What says which destinations and flows a rule speaks of. */
export function renderScoped({ target, scope }: Pick<Rule, "target" | "scope">): Omit<RuleJson, "action"> {
  return { ...(target.kind === "everywhere" ? {} : { target: target.text }), ...scope?.written };
}

/** How PATCH and DELETE identify a rule: rules with the same key speak of the same flows. */
export function ruleKey({ target, scope }: Pick<Rule, "target" | "scope">): string {
  return scope === undefined ? target.key : `${target.key} ${scope.key}`;
}

/** The target as it was written, and the scope, for people. */
export function describeRule({ target, scope }: Pick<Rule, "target" | "scope">): string {
  if (scope === undefined) return target.text;
  return `${target.kind === "everywhere" ? "every destination" : target.text} ${scope.key}`;
}

/**
 * Reads an action: trimmed, any case. Nothing or blank is `deny`, the closed reading; any other unknown word
 * is `undefined`.
 */
export function parseAction(text: string | null | undefined): Action | undefined {
  const action = (text ?? "").trim().toLowerCase();
  if (action === "allow") return "allow";
  return action === "deny" || action === "" ? "deny" : undefined;
}
