/**
 * What a policy file that was only found may open. It may be a stranger's: who runs an agent in a repository
 * has not read all of it. So it opens what it names, and not everything.
 */
import type { Action, Rule } from "../../../policy/rule.ts";
import { describeRule } from "../../../policy/rule.ts";
import type { Problem } from "../../../policy/problem.ts";
import type { Config } from "./parse-config.ts";

/** Prefixes below that are no network of anybody's. */
const SHORTEST_PREFIX = 8;
const REMEDY = "a file that was only found may not: read it, then name it by --config, or use --no-config";

/** `given`: the default action of the command line, which wins over the file's. */
export function findTooWide(
  { defaultAction, rules }: Pick<Config, "defaultAction" | "rules">,
  path: string,
  given: Action | undefined,
): readonly Problem[] {
  const opensAll = given === undefined && defaultAction === "allow";
  const whole = opensAll ? ["defaultAction: allow opens all that no rule denies"] : [];
  const wide = rules.filter(isWide).map((rule) => `allow ${describeRule(rule)} opens more than it names`);
  return [...whole, ...wide].map((message) => ({ path, message: `${message}; ${REMEDY}` }));
}

function isWide({ action, target }: Rule): boolean {
  if (action === "deny") return false;
  return target.kind === "everywhere" || (target.kind === "prefix" && target.prefix.length < SHORTEST_PREFIX);
}
