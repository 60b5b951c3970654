import * as z from "zod/mini";
import { APP_OF_DENIAL } from "./app.ts";
import type { Removal } from "./edit.ts";
import type { Policy } from "./policy.ts";
import { type Problem, type Result, accepted, oneLine, quote, refused, refusedAll } from "./problem.ts";
import { type Action, type Rule, parseAction } from "./rule.ts";
import { type Steps, runToEnd } from "./steps.ts";
import { httpShape, readScope, saysScope } from "./http-shape.ts";
import { describeBadPort } from "./scope.ts";
import { EVERYWHERE, type Target, parseTarget } from "./target.ts";
import {
  findUnknownKeys,
  HTTP_KEYS,
  type KnownKeys,
  POLICY_KEYS,
  REMOVAL_KEYS,
  RULE_KEYS,
  type UnknownKeys,
} from "./unknown-keys.ts";

/** What a text without a value in it reads as: the caller says what that means. */
export type Blank = "blank";

/** A policy read in one go: see {@link policySteps}. */
export function parsePolicyJson(text: string): Result<Policy | Blank> {
  return runToEnd(policySteps(text));
}

/** Rules read in one go: see {@link rulesSteps}. */
export function parseRulesJson(text: string): Result<readonly Rule[] | Blank> {
  return runToEnd(rulesSteps(text));
}

/** Targets read in one go: see {@link targetsSteps}. */
export function parseTargetsJson(text: string): Result<readonly Removal[] | Blank> {
  return runToEnd(targetsSteps(text));
}

/**
 * Reads a policy, a step for each rule after one for the JSON (5 ms for a MiB). `null`, `{}` and absent or
 * `null` fields get the closed reading: `defaultAction` deny, no rules. Of duplicate keys the last one
 * counts. An unknown key is a warning or a problem (see `unknown-keys.ts`). It reports every problem, with
 * its place.
 */
export function policySteps(text: string): Steps<Result<Policy | Blank>> {
  return jsonSteps(text, function* (value) {
    if (!isRecord(value) || Array.isArray(value)) return readWhole(policyShape, value);
    const { egress } = value;
    const keys = findUnknownKeys(value, POLICY_KEYS, "");
    const frame = policyShape.safeParse(Array.isArray(egress) ? { ...value, egress: [] } : value);
    const rules = yield* ruleListSteps(Array.isArray(egress) ? egress : [], "egress");
    const frameProblems = frame.success ? [] : frame.error.issues.map((issue) => toProblem(issue));
    const problems = [...frameProblems, ...keys.problems, ...rules.problems];
    if (!frame.success || problems.length > 0) return refusedAll(problems);
    return accepted({ ...frame.data, egress: rules.values }, [...keys.warnings, ...rules.warnings]);
  });
}

/** Reads an array of rules, a step for each; `null` is the empty array. A rule without an action denies. */
export function rulesSteps(text: string): Steps<Result<readonly Rule[] | Blank>> {
  return jsonSteps(text, function* (value) {
    return Array.isArray(value) ? toResult(yield* ruleListSteps(value, "")) : readWhole(rulesShape, value);
  });
}

/** Reads an array of targets, a step for each; `null` is the empty array. */
export function targetsSteps(text: string): Steps<Result<readonly Removal[] | Blank>> {
  return jsonSteps(text, function* (value) {
    return Array.isArray(value)
      ? toResult(yield* itemSteps(removalShape, value, { place: "", findKeys: keysOf(REMOVAL_KEYS) }))
      : readWhole(targetsShape, value);
  });
}

export const targetShape = z.pipe(
  z.string({ error: wanted("a string") }),
  z.transform((text: string, context): Target => settle(parseTarget(text), text, context)),
);

export const actionShape = z.pipe(
  z.nullish(z.string({ error: wanted("a string") })),
  z.transform((text: string | null | undefined, context): Action => {
    const action = parseAction(text);
    return settle(action === undefined ? refused(unknownAction(text)) : accepted(action), text, context);
  }),
);

const portsShape = z.nullish(
  z.array(z.union([z.number(), z.string()], { error: ({ input }) => describeBadPort(input) }), {
    error: wanted("an array of ports"),
  }),
);
const textShape = z.nullish(z.string({ error: wanted("a string") }));

const MISSING = "is missing, must be a string";

/** Without a target a rule speaks of every destination; it then needs a scope. */
export const ruleShape = z.pipe(
  z.object(
    {
      action: actionShape,
      target: z.nullish(targetShape),
      ports: portsShape,
      protocol: textShape,
      http: httpShape,
      app: textShape,
    },
    { error: wanted("an object") },
  ),
  z.transform(({ action, target: sentTarget, ...sent }, context): Rule => {
    const target = sentTarget ?? EVERYWHERE;
    const scope = settleAt(readScope(sent, target), context);
    if (action === "deny" && scope?.app !== undefined)
      addIssue(context, APP_OF_DENIAL.path, APP_OF_DENIAL.message);
    if (target.kind === "everywhere" && !saysScope(sent)) addIssue(context, "target", MISSING);
    return scope === undefined ? { action, target } : { action, target, scope };
  }),
);

/** What DELETE takes out: all rules of a target, or the one with an object's target and scope. */
const removalShape = z.pipe(
  z.union(
    [
      z.string(),
      z.object({
        target: z.nullish(z.string()),
        ports: portsShape,
        protocol: textShape,
        app: textShape,
        http: httpShape,
      }),
    ],
    {
      error: ({ input }) =>
        typeof input === "object" && input !== null ? BAD_REMOVAL : wanted("a string")({ input }),
    },
  ),
  z.transform((given, context): Removal => {
    if (typeof given === "string") return settle(parseTarget(given), given, context);
    const scope = settleAt(readScope(given, undefined), context);
    if (given.target === undefined || given.target === null) {
      if (!saysScope(given)) addIssue(context, "target", MISSING);
      return { kind: "rule", target: EVERYWHERE, scope };
    }
    return { kind: "rule", target: settle(parseTarget(given.target), given.target, context), scope };
  }),
);

export const rulesShape = z.pipe(
  z.nullable(z.array(ruleShape, { error: wanted("an array of rules") })),
  z.transform((rules): readonly Rule[] => rules ?? []),
);

export const targetsShape = z.pipe(
  z.nullable(z.array(removalShape, { error: wanted("an array of targets") })),
  z.transform((targets): readonly Removal[] => targets ?? []),
);

export const policyShape = z.pipe(
  z.nullable(
    z.object({ defaultAction: actionShape, egress: z.optional(rulesShape) }, { error: wanted("an object") }),
  ),
  z.transform((policy): Policy => ({
    defaultAction: policy?.defaultAction ?? "deny",
    egress: policy?.egress ?? [],
  })),
);

/**
 * Blank is what Go's `strings.TrimSpace` trims, as the original does: `\s` with U+0085 and without the byte
 * order mark.
 */
const NOT_BLANK = /[^\s\u0085]|\uFEFF/;

function* jsonSteps<T>(text: string, read: (value: unknown) => Steps<Result<T>>): Steps<Result<T | Blank>> {
  if (!NOT_BLANK.test(text)) return accepted("blank");
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return refused(`is not JSON: ${oneLine(error instanceof Error ? error.message : String(error))}`);
  }
  yield;
  return yield* read(value);
}

function readWhole<T>(shape: z.ZodMiniType<T>, value: unknown): Result<T> {
  const parsed = shape.safeParse(value);
  return parsed.success
    ? accepted(parsed.data)
    : refusedAll(parsed.error.issues.map((issue) => toProblem(issue)));
}

interface Items<T> {
  readonly values: readonly T[];
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

function ruleListSteps(items: readonly unknown[], place: string): Steps<Items<Rule>> {
  return itemSteps(ruleShape, items, { place, findKeys: keysOf(RULE_KEYS) });
}

function keysOf(known: KnownKeys): (item: unknown, at: string) => UnknownKeys {
  return (item, at) => {
    if (!isRecord(item) || Array.isArray(item)) return NO_KEYS;
    const keys = findUnknownKeys(item, known, at);
    const { http } = item;
    if (!isRecord(http) || Array.isArray(http)) return keys;
    const inside = findUnknownKeys(http, HTTP_KEYS, `${at}.http`);
    return {
      problems: [...keys.problems, ...inside.problems],
      warnings: [...keys.warnings, ...inside.warnings],
    };
  };
}

/** An array's values as zod reads them, a step for each, and everything that is wrong with them. */
function* itemSteps<T>(
  shape: z.ZodMiniType<T>,
  items: readonly unknown[],
  { place, findKeys }: { place: string; findKeys: (item: unknown, at: string) => UnknownKeys },
): Steps<Items<T>> {
  const values: T[] = [];
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  for (const [index, item] of items.entries()) {
    const at = `${place}[${index}]`;
    const parsed = shape.safeParse(item);
    const keys = findKeys(item, at);
    if (parsed.success) values.push(parsed.data);
    else problems.push(...parsed.error.issues.map((issue) => toProblem(issue, at)));
    problems.push(...keys.problems);
    warnings.push(...keys.warnings);
    yield;
  }
  return { values, problems, warnings };
}

const NO_KEYS: UnknownKeys = { problems: [], warnings: [] };

function toResult<T>({ values, problems, warnings }: Items<T>): Result<readonly T[]> {
  return problems.length > 0 ? refusedAll(problems) : accepted(values, warnings);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** The value of a result; its problems go to zod, which knows their place. */
function settle<T>(result: Result<T>, input: unknown, context: z.core.ParsePayload): T {
  if (result.ok) return result.value;
  for (const { message } of result.problems) context.issues.push({ code: "custom", message, input });
  return z.NEVER;
}

/** The same of a value whose problems are its keys'. */
function settleAt<T>(result: Result<T>, context: z.core.ParsePayload): T | undefined {
  if (result.ok) return result.value;
  for (const { path, message } of result.problems) {
    const place = path.split(/[[\]]+/).filter((part) => part !== "");
    context.issues.push({
      code: "custom",
      message,
      input: undefined,
      path: place.map((part) => (/^\d+$/.test(part) ? Number(part) : part)),
    });
  }
  return undefined;
}

function addIssue(context: z.core.ParsePayload, key: string, message: string): void {
  context.issues.push({ code: "custom", message, input: undefined, path: [key] });
}

const BAD_REMOVAL = 'must be a string, or an object such as {"target": "example.org", "ports": [443]}';

function wanted(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined ? `is missing, must be ${what}` : `must be ${what}`);
}

function unknownAction(text: string | null | undefined): string {
  return `${quote(text ?? "")} is no action, must be allow or deny`;
}

function toProblem({ path, message }: z.core.$ZodIssue, at = ""): Problem {
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return { path: `${at}${place}`.replace(/^\./, ""), message };
}
