/** Reads a policy file: YAML or JSON, each problem with its line and what to write instead. */
import { accepted, type Problem, quote, refused, refusedAll, type Result } from "../../../policy/problem.ts";
import { APP_OF_DENIAL } from "../../../policy/app.ts";
import type { Action, Rule } from "../../../policy/rule.ts";
import { readScope, saysScope } from "../../../policy/http-shape.ts";
import { HTTP_KEYS } from "../../../policy/unknown-keys.ts";
import { EVERYWHERE, parseTarget } from "../../../policy/target.ts";
import { parseWrittenRule } from "../../call/written-rule.ts";
import { type Key, readLocated } from "./located.ts";
import { type ConfigJson, configShape, keyMeant, KEYS, RULE_KEYS, ruleKeyMeant } from "./shape.ts";

/** A policy file, read. */
export interface Config {
  /** Undefined if the file leaves it open. */
  readonly defaultAction: Action | undefined;
  /** Those of `egress`, then `deny`, then `allow`. */
  readonly rules: readonly Rule[];
  /** Names of presets whose rules come after these. */
  readonly presets: readonly string[];
}

const EMPTY: Config = { defaultAction: undefined, rules: [], presets: [] };

/** `path` names the file in problems: `egress.yaml:3`. A blank file says nothing. */
export function parseConfig(text: string, path: string): Result<Config> {
  if (text.trim() === "") return accepted(EMPTY);
  const located = readLocated(text);
  if (!("value" in located))
    return refusedAll(located.map((problem) => ({ ...problem, path: `${path}:${problem.path}` })));
  if (located.value === null) return accepted(EMPTY);
  const at = (line: number): string => `${path}:${line}`;
  const parsed = configShape.safeParse(located.value);
  if (!parsed.success) {
    return refusedAll(
      parsed.error.issues.flatMap((issue) =>
        issue.code === "unrecognized_keys"
          ? issue.keys.map((key) => ({
              path: at(located.lineOfKey(issue.path, key)),
              message: describeUnknown(key, issue.path),
            }))
          : [{ path: at(located.lineOf(issue.path)), message: `${render(issue.path)}${issue.message}` }],
      ),
    );
  }
  return readRules(parsed.data, (place) => at(located.lineOf(place)));
}

function readRules(config: ConfigJson, at: (path: readonly Key[]) => string): Result<Config> {
  const problems: Problem[] = [];
  const settle = (rule: Result<Rule>, place: readonly Key[]): readonly Rule[] => {
    if (rule.ok) return [rule.value];
    for (const { path, message } of rule.problems) {
      const where = [...place, ...keysOf(path)];
      problems.push({ path: at(where), message: `${render(where)}${message}` });
    }
    return [];
  };
  const read = (action: Action, text: string, place: readonly Key[]): readonly Rule[] =>
    settle(parseWrittenRule(action, text), place);
  const rules = [
    ...(config.egress ?? []).map((rule, index) => settle(readRule(rule), ["egress", index])),
    ...(config.deny ?? []).map((target, index) => read("deny", target, ["deny", index])),
    ...(config.allow ?? []).map((target, index) => read("allow", target, ["allow", index])),
  ].flat();
  if (problems.length > 0) return refusedAll(problems);
  return accepted({ defaultAction: config.defaultAction, rules, presets: config.presets ?? [] });
}

/** With a scope of its own its target is a target alone, else a word of the command line. */
function readRule({ action, target, ...sent }: RuleJson): Result<Rule> {
  if (!saysScope(sent)) {
    return target === undefined
      ? refused("is missing, must be a name, *.name, an address or a prefix", "target")
      : atTarget(parseWrittenRule(action, target));
  }
  const parsed = target === undefined ? accepted(EVERYWHERE) : atTarget(parseTarget(target));
  const scope = readScope(sent, parsed.ok ? parsed.value : undefined);
  if (!scope.ok) return scope;
  if (action === "deny" && scope.value?.app !== undefined) return refusedAll([APP_OF_DENIAL]);
  return parsed.ok ? accepted({ action, target: parsed.value, scope: scope.value }) : parsed;
}

type RuleJson = NonNullable<ConfigJson["egress"]>[number];

function atTarget<T>(result: Result<T>): Result<T> {
  return result.ok ? result : refusedAll(result.problems.map((problem) => ({ ...problem, path: "target" })));
}

/** Of a path such as `ports[3]`. */
function keysOf(path: string): readonly Key[] {
  const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
  return keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key));
}

function describeUnknown(key: string, path: readonly Key[]): string {
  const meant = path.length === 0 ? keyMeant(key) : ruleKeyMeant(key);
  const ofRules = path.at(-1) === "http" ? HTTP_KEYS.keys : RULE_KEYS;
  const known = path.length === 0 ? KEYS : ofRules;
  if (meant !== undefined && known.includes(meant))
    return `${render(path)}there is no key ${quote(key)}: write ${meant}`;
  return `${render(path)}there is no key ${quote(key)}; there are ${known.join(", ")}`;
}

/** `egress[3].target: `, empty for the whole. */
function render(path: readonly Key[]): string {
  const text = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return text === "" ? "" : `${text.replace(/^\./, "")}: `;
}
