/**
 * Variables of the original that are not served here. A switch that redirects or narrows traffic must not
 * look served: it is a problem, like a setting that cannot be read. Any other variable that bears our prefix
 * and that nothing reads is a warning.
 */
import type { Environment } from "./environment.ts";
import { type Problem, quote } from "../policy/problem.ts";

const PREFIX = "OPENSANDBOX_EGRESS_";

/**
 * What each would have done, in words that follow the variable's name; values are never shown, for some are
 * secret.
 */
const SWITCHES: readonly {
  readonly name: string;
  readonly message: string;
}[] = [{ name: `${PREFIX}PROFILE`, message: "is set, and profiles are not served" }];

/** One problem for each such switch that is on. Blank counts as unset. */
export function findUnserved(env: Environment): readonly Problem[] {
  return SWITCHES.flatMap(({ name, message }) => {
    const text = env[name]?.trim() ?? "";
    return text === "" ? [] : [{ path: name, message }];
  });
}

/** One warning for each other variable of our prefix that is set and not among `known`. */
export function findUnknown(env: Environment, known: ReadonlySet<string>): readonly Problem[] {
  const told = new Set(SWITCHES.map(({ name }) => name));
  return Object.entries(env).flatMap(([name, text = ""]) => {
    if (!name.startsWith(PREFIX) || known.has(name) || told.has(name) || text.trim() === "") return [];
    return [{ path: isPlain(name) ? name : quote(name), message: "is not known, and has no effect" }];
  });
}

function isPlain(name: string): boolean {
  return /^[A-Z0-9_]+$/.test(name);
}
