/**
 * What the shapes of requests share: absent, `null` and empty are the same, unknown keys are refused, and
 * messages never show values.
 */
import * as z from "zod/mini";
import type { Problem, Result } from "../../policy/problem.ts";
import { quote } from "../../policy/problem.ts";

/** A longer list in a binding is a mistake. */
const MOST_ITEMS = 256;

export function wanted(what: string): (issue: z.core.$ZodRawIssue) => string {
  return ({ input }) => (input === undefined ? `is missing, must be ${what}` : `must be ${what}`);
}

/** An object with these keys and no others. */
export function exactly<T extends z.core.$ZodLooseShape>(
  what: string,
  shape: T,
): z.ZodMiniObject<T, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? `has the unknown field ${quote(issue.keys.join(", "))}`
        : wanted(what)(issue),
  });
}

export const textShape = z.string({ error: wanted("a string") });

/** Trimmed, and not blank. */
export const nameShape = z.pipe(
  textShape,
  z.transform((text: string, context): string => {
    const name = text.trim();
    if (name.length > MOST_NAME_LENGTH) return refuse(context, "is longer than 253 characters");
    return name === "" ? refuse(context, "is blank") : name;
  }),
);

const MOST_NAME_LENGTH = 253;

/** A list that may be absent. It reads each item; `most` is the largest number of them. */
export function listOf<T extends z.ZodMiniType>(item: T, most = MOST_ITEMS) {
  return z.pipe(
    z.nullish(
      z.array(item, { error: wanted("a list") }).check(z.maxLength(most, `has more than ${most} items`)),
    ),
    z.transform((items): readonly z.output<T>[] => items ?? []),
  );
}

/** The value of a text that one of our functions reads. */
export function readText<T>(read: (text: string) => Result<T>): z.ZodMiniType<T, string> {
  return z.pipe(
    textShape,
    z.transform((text: string, context): T => {
      const result = read(text);
      if (result.ok) return result.value;
      return refuse(context, result.problems[0]?.message ?? "cannot be read");
    }),
  );
}

export function refuse(context: z.core.ParsePayload, message: string, path: readonly string[] = []): never {
  context.issues.push({ code: "custom", message, input: undefined, path: [...path] });
  return z.NEVER;
}

export function toProblem({ path, message }: z.core.$ZodIssue): Problem {
  const place = path.map((key) => (typeof key === "number" ? `[${key}]` : `.${String(key)}`)).join("");
  return { path: place.replace(/^\./, ""), message };
}

export function unique<T>(items: readonly T[]): readonly T[] {
  return [...new Set(items)];
}
