/**
 * What a rule with `http` speaks of: requests, by their methods and paths, to a host whose requests are read.
 *
 * It errs towards closed if a path can be read in two ways. An allow matches what is spelled as it says; a
 * deny also matches what some server may take for it.
 */
import {
  matchesPath,
  matchesPathWidely,
  parsePathPattern,
  type PathPattern,
  type ReadPath,
  readPath,
} from "./http-path.ts";
import { type Problem, type Result, accepted, quote, refused, refusedAll } from "./problem.ts";

/** As GET shows it again. */
export interface WrittenHttp {
  readonly methods?: readonly string[];
  readonly paths?: readonly string[];
}

/** Both have to match; an undefined one matches every request. */
export interface HttpMatch {
  readonly written: WrittenHttp;
  /** The canonical form: `GET,HEAD /repos/*,/user`. */
  readonly key: string;
  /** In upper case. */
  readonly methods: ReadonlySet<string> | undefined;
  readonly paths: readonly PathPattern[] | undefined;
}

export interface HttpRequest {
  /** As spelled. */
  readonly method: string;
  /** As sent, without the query; `*` of OPTIONS. */
  readonly path: string;
}

/** Of a rule. */
export const METHODS_MAX = 32;
export const PATHS_MAX = 64;
/** A request with one of these never passes, whatever the rules say. */
const NEVER_PASS: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Reads the keys of `http` as they were sent. A problem's path is the key's. */
export function parseHttp(
  methods: readonly string[] | null | undefined,
  paths: readonly string[] | null | undefined,
): Result<HttpMatch> {
  const named = readList("methods", methods ?? undefined, { most: METHODS_MAX, read: readMethod });
  const placed = readList("paths", paths ?? undefined, { most: PATHS_MAX, read: parsePathPattern });
  if (!named.ok || !placed.ok)
    return refusedAll([named, placed].flatMap((result) => (result.ok ? [] : result.problems)));
  if (named.value === undefined && placed.value === undefined)
    return refused('says nothing: write methods, paths or both, or leave "http" out');
  const all = placed.value && new Map(placed.value.map((pattern) => [pattern.text, pattern]));
  const texts = all && [...all.keys()].toSorted();
  const set = named.value && new Set(named.value.toSorted());
  return accepted({
    written: { ...(methods ? { methods } : {}), ...(paths ? { paths } : {}) },
    key: [set && [...set].join(","), texts?.join(",")].filter((part) => part !== undefined).join(" "),
    methods: set,
    paths: all && [...all.values()],
  });
}

/** Whether a rule with this action speaks of the request. The caller may have read its path before. */
export function matchesRequest(
  { methods, paths }: HttpMatch,
  action: "allow" | "deny",
  { method, path }: HttpRequest,
  read: ReadPath = readPath(path),
): boolean {
  const isDeny = action === "deny";
  if (methods !== undefined && !methods.has(isDeny ? method.toUpperCase() : method)) return false;
  if (paths === undefined) return true;
  const matches = isDeny ? matchesPathWidely : matchesPath;
  return paths.some((pattern) => matches(pattern, read));
}

function readMethod(text: string): Result<string> {
  const method = text.toUpperCase();
  if (!/^[!#$%&'*+\-.^_`|~0-9A-Z]{1,64}$/.test(method))
    return refused(`${quote(text)} is no method: write one such as GET, or leave methods out for all`);
  if (method === "*") return refused("* is no method: leave methods out for all");
  if (NEVER_PASS.has(method)) return refused(`${method} never passes to such a host`);
  return accepted(method);
}

function readList<T>(
  key: string,
  all: readonly string[] | undefined,
  { most, read }: { readonly most: number; readonly read: (text: string) => Result<T> },
): Result<readonly T[] | undefined> {
  if (all === undefined) return accepted(undefined);
  if (all.length === 0) return refused("is empty: leave it out to speak of all", key);
  if (all.length > most) return refused(`has ${all.length} entries, and ${most} at most`, key);
  const found: T[] = [];
  const problems: Problem[] = [];
  for (const [index, text] of all.entries()) {
    const result = read(text);
    if (result.ok) found.push(result.value);
    else problems.push(...result.problems.map(({ message }) => ({ path: `${key}[${index}]`, message })));
  }
  return problems.length > 0 ? refusedAll(problems) : accepted(found);
}
