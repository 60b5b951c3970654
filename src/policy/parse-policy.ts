import * as z from "zod/mini";
import type { Policy } from "./policy.ts";
import { type Problem, type Result, accepted, oneLine, quote, refused, refusedAll } from "./problem.ts";
import { type Action, type Rule, parseAction } from "./rule.ts";
import { type Target, parseTarget } from "./target.ts";

/** What a text without a value in it reads as: the caller says what that means. */
export type Blank = "blank";

/**
 * Reads a policy. `null`, `{}` and absent or `null` fields take the closed reading: `defaultAction` deny, no rules. Unknown keys are
 * ignored, `__proto__` among them; of duplicate keys the last holds. Every problem is reported, with its place.
 */
export function parsePolicyJson(text: string): Result<Policy | Blank> {
  return parseJson(text, policyShape);
}

/** Reads an array of rules; `null` is the empty array. A rule without an action denies. */
export function parseRulesJson(text: string): Result<readonly Rule[] | Blank> {
  return parseJson(text, rulesShape);
}

/** Reads an array of targets; `null` is the empty array. */
export function parseTargetsJson(text: string): Result<readonly Target[] | Blank> {
  return parseJson(text, targetsShape);
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

export const ruleShape = z.object(
  { action: actionShape, target: targetShape },
  { error: wanted("an object") },
);

export const rulesShape = z.pipe(
  z.nullable(z.array(ruleShape, { error: wanted("an array of rules") })),
  z.transform((rules): readonly Rule[] => rules ?? []),
);

export const targetsShape = z.pipe(
  z.nullable(z.array(targetShape, { error: wanted("an array of targets") })),
  z.transform((targets): readonly Target[] => targets ?? []),
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

function parseJson<T>(text: string, shape: z.ZodMiniType<T>): Result<T | Blank> {
  if (text.trim() === "") return accepted("blank");
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    return refused(`is not JSON: ${oneLine(error instanceof Error ? error.message : String(error))}`);
  }
  const parsed = shape.safeParse(value);
  return parsed.success ? accepted(parsed.data) : refusedAll(parsed.error.issues.map(toProblem));
}

/** The value of a result; its problems go to zod, which knows the place. */
function settle<T>(result: Result<T>, input: unknown, context: z.core.ParsePayload): T {
  if (result.ok) return result.value;
  for (const { message } of result.problems) context.issues.push({ code: "custom", message, input });
  return z.NEVER;
}

function wanted(what: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) => (input === undefined ? `is missing, must be ${what}` : `must be ${what}`);
}

function unknownAction(text: string | null | undefined): string {
  return `${quote(text ?? "")} is no action, must be allow or deny`;
}

function toProblem({ path, message }: z.core.$ZodIssue): Problem {
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return { path: place.replace(/^\./, ""), message };
}
