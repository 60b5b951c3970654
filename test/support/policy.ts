/**
 * Policies, rules, targets and names for tests, from what an operator writes and from what a caller sends;
 * what is wrong throws.
 */
import { compilePolicy, type CompiledPolicy } from "../../src/policy/compile.ts";
import { auditSteps } from "../../src/policy/compile-audit.ts";
import { type DomainName, isDomainName, parseDomainName } from "../../src/policy/domain-name.ts";
import { type Removal, mergeRulesSteps, removeTargetsSteps } from "../../src/policy/edit.ts";
import { parsePolicyJson, parseRulesJson, parseTargetsJson } from "../../src/policy/parse-policy.ts";
import type { Policy } from "../../src/policy/policy.ts";
import type { Result } from "../../src/policy/problem.ts";
import type { Action, Rule } from "../../src/policy/rule.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { parseScope } from "../../src/policy/scope.ts";
import { EVERYWHERE, type Target, parseTarget } from "../../src/policy/target.ts";

/** The value of a result that must be good; the problems are the failure's text. */
export function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
}

/** Messages of a result that must be a refusal. */
export function messagesOf(result: Result<unknown>): readonly string[] {
  if (result.ok) throw new Error(`accepted: ${JSON.stringify(result.value)}`);
  return result.problems.map(({ message }) => message);
}

export function target(text: string): Target {
  return valueOf(parseTarget(text));
}

export function targets(...texts: readonly string[]): readonly Target[] {
  return texts.map(target);
}

/**
 * A rule as an operator says it: `allow *.example.org`; with a scope `allow example.org tcp/443,8000-8080`,
 * `deny example.org /25`, `deny * udp`; with what has to be spoken `allow example.org /22 app ssh`.
 */
function rule(text: string): Rule {
  const action: Action = text.startsWith("allow ") ? "allow" : "deny";
  const spoken = text.slice(text.indexOf(" ") + 1);
  const match = /^(.*?) (?:(tcp|udp|icmp)?(?:\/([\d,-]+))?)(?: ?app (\w+))?$/.exec(spoken);
  if (match === null) return { action, target: target(spoken) };
  const [, place = "", protocol, ports, app] = match;
  const scope = valueOf(parseScope({ ports: ports?.split(",").map(readPort), protocol, app }));
  return { action, target: place === "*" ? EVERYWHERE : target(place), scope };
}

/** What DELETE takes out: `a.example` all of the target, `a.example /443` the rule with the scope. */
export function removalOf(text: string): Removal {
  const { target: place, scope } = rule(`deny ${text}`);
  return scope === undefined ? target(text) : { kind: "rule", target: place, scope };
}

function readPort(text: string): number | string {
  return text.includes("-") ? text : Number(text);
}

export function rules(...texts: readonly string[]): readonly Rule[] {
  return texts.map(rule);
}

/** Rules back in the words of `rule`, with the targets as they were written. */
export function words(egress: readonly Rule[]): readonly string[] {
  return egress.map((given) => {
    const { target: place, scope } = given;
    const { ports, protocol = "", app } = scope?.written ?? {};
    const flows = `${protocol}${ports === undefined ? "" : `/${ports.join(",")}`}`;
    const spoken = app === undefined ? [] : [`app ${app}`];
    const said = scope === undefined ? "" : ` ${[flows, ...spoken].filter((part) => part !== "").join(" ")}`;
    return `${given.action} ${place.kind === "everywhere" ? "*" : place.text}${said}`;
  });
}

export function denyByDefault(...texts: readonly string[]): Policy {
  return { defaultAction: "deny", egress: rules(...texts) };
}

export function allowByDefault(...texts: readonly string[]): Policy {
  return { defaultAction: "allow", egress: rules(...texts) };
}

/** Compiles a user's policy with no always-rules. */
export function compiled(user: Policy): CompiledPolicy {
  return compilePolicy({ denyAlways: [], allowAlways: [], user });
}

/** `compiledPolicy("deny", "allow 198.51.100.0/24", "deny *.example.org")` */
export function compiledPolicy(
  defaultAction: Policy["defaultAction"],
  ...texts: readonly string[]
): CompiledPolicy {
  return compiled({ defaultAction, egress: rules(...texts) });
}

/** What audit mode enforces of the same, with `203.0.113.66` in the operator's `deny.always`. */
export function inAudit(defaultAction: Policy["defaultAction"], ...texts: readonly string[]): CompiledPolicy {
  const user = { defaultAction, egress: rules(...texts) };
  const layers = { denyAlways: targets("203.0.113.66"), allowAlways: [], user };
  return runToEnd(auditSteps(layers, compilePolicy(layers)));
}

/** A policy as a caller sends it. */
export function policyOf(value: unknown): Policy {
  return givenBy(parsePolicyJson(JSON.stringify(value)));
}

/** The same, compiled. */
export function compiledOf(value: unknown): CompiledPolicy {
  return compiled(policyOf(value));
}

/** Rules as a caller sends them. */
export function rulesOf(value: unknown): readonly Rule[] {
  return givenBy(parseRulesJson(JSON.stringify(value)));
}

/** Targets as a caller sends them. */
export function targetsOf(value: readonly string[]): readonly Removal[] {
  return givenBy(parseTargetsJson(JSON.stringify(value)));
}

function givenBy<T>(parsed: Result<T | "blank">): T {
  const value = valueOf(parsed);
  if (value === "blank") throw new Error("blank");
  return value;
}

export function qname(text: string): DomainName {
  if (!isDomainName(text)) throw new Error(`not canonical: ${text}`);
  return text;
}

/** A name as a person writes it; `.` is the root. */
export function nameOf(text: string): DomainName {
  return valueOf(parseDomainName(text));
}

export function mergeRules(...given: Parameters<typeof mergeRulesSteps>): Policy {
  return runToEnd(mergeRulesSteps(...given));
}

export function removeTargets(...given: Parameters<typeof removeTargetsSteps>): Policy {
  return runToEnd(removeTargetsSteps(...given));
}
