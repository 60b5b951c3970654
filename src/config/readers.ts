import { isAbsolute } from "node:path";
import * as z from "zod/mini";

/** A schema over a variable's text from a plain function: a value, or what is wrong with the text. */
export function reader<T>(read: (text: string) => T | Unreadable): z.ZodMiniType<T, string> {
  return z.pipe(
    z.string(),
    z.transform((text: string, context): T => {
      const value = read(text);
      if (!(value instanceof Unreadable)) return value;
      context.issues.push({ code: "custom", message: value.message, input: text });
      return z.NEVER;
    }),
  );
}

/** What is wrong with a text, in a few words that follow the variable's name. */
export class Unreadable {
  readonly message: string;
  constructor(message: string) {
    this.message = message;
  }
}

/** A whole number in decimal digits. */
export function integer(smallest: number, largest: number): z.ZodMiniType<number, string> {
  const outOfRange = `is not between ${smallest} and ${largest}`;
  return z.pipe(
    z.pipe(z.string().check(z.regex(/^\d+$/, "is not a whole number")), z.transform(Number)),
    z.number().check(z.minimum(smallest, outOfRange), z.maximum(largest, outOfRange)),
  );
}

/** One of a few words, in any case. */
export function word<const W extends string>(words: readonly W[]): z.ZodMiniType<W, string> {
  return z.pipe(z.string().check(z.toLowerCase()), z.enum(words, { error: "is not a known word" }));
}

/** What `flag` takes, in words. */
export const FLAG = "true, 1, yes, on, or false, 0, no, off";

/** The words that the original takes for true and false. */
export function flag(): z.ZodMiniType<boolean, string> {
  return z.pipe(
    word(["true", "1", "yes", "y", "on", "false", "0", "no", "n", "off"]),
    z.transform((text) => text === "true" || text === "1" || text === "yes" || text === "y" || text === "on"),
  );
}

/**
 * A comma list; blanks around an item and empty items (a trailing comma) are dropped, and so are items that
 * read the same.
 */
export function list<T>(item: (text: string) => T | Unreadable, key: (value: T) => string, most = Infinity) {
  return reader((text): readonly T[] | Unreadable => {
    const found = new Map<string, T>();
    for (const part of splitList(text)) {
      const value = item(part);
      if (value instanceof Unreadable) return value;
      if (found.size < most && !found.has(key(value))) found.set(key(value), value);
    }
    return found.size === 0 ? new Unreadable("holds nothing") : [...found.values()];
  });
}

/** An absolute http or https URL. The text is never quoted: such URLs carry credentials. */
export function httpUrl(): z.ZodMiniType<string, string> {
  return reader((text) => {
    const url = URL.parse(text);
    if (url === null) return new Unreadable("is not a URL");
    if (url.protocol !== "http:" && url.protocol !== "https:") return new Unreadable("is not an http(s) URL");
    return url.href;
  });
}

export function absolutePath(): z.ZodMiniType<string, string> {
  return reader((text) => (isAbsolute(text) ? text : new Unreadable("is not an absolute path")));
}

/** The items of a comma list, without blanks around them; empty ones are dropped. */
export function splitList(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
