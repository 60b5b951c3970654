/** Readers that pass over what they cannot take, as the original does, and tell what that was. */
import { quote } from "../policy/problem.ts";
import { splitList } from "./readers.ts";

interface Lenient<T> {
  readonly value: T;
  /** In words that follow the variable's name. */
  readonly passedOver: readonly string[];
}

export type LogLevel = "debug" | "info" | "warn" | "error";

const LOG_LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ["debug", "debug"],
  ["info", "info"],
  ["warn", "warn"],
  ["warning", "warn"],
  ["error", "error"],
  ["fatal", "error"],
]);

/** The original's words, in any case; any other is `info`. */
export function readLogLevel(text: string): Lenient<LogLevel> {
  const level = LOG_LEVELS.get(text.toLowerCase());
  if (level !== undefined) return { value: level, passedOver: [] };
  return { value: "info", passedOver: [`is ${quote(text)}, which is no level: info holds`] };
}

/**
 * A whole number of seconds; a larger one than `largest` is that, anything else that is out of range or odd
 * is `fallback`.
 */
export function readSeconds(
  text: string,
  { largest, fallback }: { readonly largest: number; readonly fallback: number },
): Lenient<number> {
  const seconds = /^\d+$/.test(text) ? Number(text) : 0;
  if (seconds >= 1 && seconds <= largest) return { value: seconds, passedOver: [] };
  const value = seconds > largest ? largest : fallback;
  return { value, passedOver: [`is ${quote(text)}: ${value} holds`] };
}

/**
 * `k=v,k2=v2`; of a name that stands twice the last. Names that a log line gives another meaning are passed
 * over.
 */
export function readAttributes(text: string): Lenient<Readonly<Record<string, string>>> {
  const found = new Map<string, string>();
  const passedOver: string[] = [];
  for (const part of splitList(text)) {
    const cut = part.indexOf("=");
    const name = part.slice(0, Math.max(cut, 0)).trim();
    if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) passedOver.push(`holds ${quote(part)}, which is left out`);
    else if (isReserved(name)) passedOver.push(`holds ${quote(name)}, a field of our own, which is left out`);
    else {
      if (found.has(name)) passedOver.push(`names ${quote(name)} twice: the last holds`);
      found.set(name, part.slice(cut + 1).trim());
    }
  }
  return { value: Object.fromEntries(found), passedOver };
}

function isReserved(name: string): boolean {
  return ["level", "time", "msg", "error", "rules"].includes(name) || /^(opensandbox|target)\./.test(name);
}
