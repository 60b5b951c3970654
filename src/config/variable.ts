import type * as z from "zod/mini";

/** One environment variable: what docs/settings.md says of it, and how its text is read. */
export interface Variable<T> {
  readonly name: string;
  /** As written in docs/settings.md: the text that stands for an unset variable, or a word such as `none`. */
  readonly default: string;
  readonly meaning: string;
  /** What a value may look like; the second half of the problem line of a value that can't be read. */
  readonly accepts: string;
  /** The value is never shown, in no log and no problem. */
  readonly secret: boolean;
  /** `text: undefined` is an unset variable. */
  read(text: string | undefined): Reading<T>;
}

/** A value, with what was passed over to get it, or what is wrong with the text. */
export type Reading<T> =
  | { readonly ok: true; readonly value: T; readonly passedOver?: readonly string[] }
  | { readonly ok: false; readonly message: string };

interface VariableDoc {
  readonly name: string;
  readonly default?: string;
  readonly meaning: string;
  readonly accepts: string;
  readonly secret?: boolean;
}

/**
 * A variable whose unset or blank value stands for its default text. Blank counts as unset, as in the
 * original: templates often pass `NAME=` for what they do not set.
 */
export function withDefault<T>(
  doc: VariableDoc & { readonly default: string },
  schema: z.ZodMiniType<T, string>,
): Variable<T> {
  return {
    ...doc,
    secret: doc.secret ?? false,
    read: (text) => readText(schema, trimmed(text) ?? doc.default),
  };
}

/** A variable that may be absent; unset and blank mean `undefined`. */
export function orNone<T>(doc: VariableDoc, schema: z.ZodMiniType<T, string>): Variable<T | undefined> {
  const read = (text: string | undefined): Reading<T | undefined> => {
    const given = trimmed(text);
    return given === undefined ? { ok: true, value: undefined } : readText(schema, given);
  };
  return { ...doc, default: doc.default ?? "none", secret: doc.secret ?? false, read };
}

/**
 * A variable read exactly as it stands, spaces included; unset means its default text and the schema sees
 * empty text too.
 */
export function verbatim<T>(
  doc: VariableDoc & { readonly default: string },
  unset: string,
  schema: z.ZodMiniType<T, string>,
): Variable<T> {
  return { ...doc, secret: doc.secret ?? false, read: (text) => readText(schema, text ?? unset) };
}

/**
 * A variable that stops nothing, as in the original: what is odd in its text is passed over and told. Unset
 * and blank give `unset`. `read` gives the value, and what was passed over in words that follow the
 * variable's name.
 */
export function lenient<T>(
  doc: VariableDoc,
  unset: T,
  read: (text: string) => { readonly value: T; readonly passedOver: readonly string[] },
): Variable<T> {
  return {
    ...doc,
    default: doc.default ?? "none",
    secret: doc.secret ?? false,
    read(text) {
      const given = trimmed(text);
      return given === undefined ? { ok: true, value: unset } : { ok: true, ...read(given) };
    },
  };
}

/** The same variable, with what in a text that can be read says nothing. */
export function telling<T>(
  variable: Variable<T>,
  listWarnings: (text: string) => readonly string[],
): Variable<T> {
  return {
    ...variable,
    read(text) {
      const reading = variable.read(text);
      return reading.ok && text !== undefined ? { ...reading, passedOver: listWarnings(text) } : reading;
    },
  };
}

function trimmed(text: string | undefined): string | undefined {
  const bare = text?.trim();
  return bare === "" ? undefined : bare;
}

function readText<T>(schema: z.ZodMiniType<T, string>, text: string): Reading<T> {
  const parsed = schema.safeParse(text);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, message: parsed.error.issues[0]?.message ?? "cannot be read" };
}
