import { type Problem, type Result, accepted, quote, refusedAll } from "./problem.ts";
import { type Steps, runToEnd } from "./steps.ts";
import {
  type NameTarget,
  type PrefixTarget,
  type Target,
  type WildcardTarget,
  parseTarget,
} from "./target.ts";

/**
 * Reads a rule file: one target a line. `#` begins a comment anywhere in a line; blank lines, CRLF and a byte
 * order mark are fine. Targets keep the file's order, with duplicates. A problem's path is `file:line`.
 */
export function parseAlwaysFile(fileName: string, text: string): Result<readonly Target[]> {
  return runToEnd(alwaysFileSteps(fileName, text));
}

/**
 * The same, a step for each line. It refuses a line with ports or a protocol; the rules of its file stay in
 * force.
 */
export function alwaysFileSteps(fileName: string, text: string): Steps<Result<readonly Target[]>> {
  return lineSteps(fileName, text, (line) => {
    const target = parseTarget(line);
    return !target.ok && WITH_SCOPE.test(line) ? unfit(line, NO_SCOPES) : target;
  });
}

/**
 * Reads a rule file that may hold only names and wildcards, such as `log_skip.always`: an address there would
 * never match.
 */
export function parseNameFile(
  fileName: string,
  text: string,
): Result<readonly (NameTarget | WildcardTarget)[]> {
  return runToEnd(nameFileSteps(fileName, text));
}

/** The same, a step for each line. */
export function nameFileSteps(
  fileName: string,
  text: string,
): Steps<Result<readonly (NameTarget | WildcardTarget)[]>> {
  return lineSteps(fileName, text, (line) => {
    const target = parseTarget(line);
    if (!target.ok) return target;
    return target.value.kind === "prefix"
      ? unfit(line, "an address, and only names count here")
      : accepted(target.value);
  });
}

/** Reads a rule file that may hold only addresses and prefixes, such as `doh-resolvers`. */
export function parsePrefixFile(fileName: string, text: string): Result<readonly PrefixTarget[]> {
  const steps = lineSteps(fileName, text, (line) => {
    const target = parseTarget(line);
    if (!target.ok) return target;
    return target.value.kind === "prefix"
      ? accepted(target.value)
      : unfit(line, "a name, and only addresses count here");
  });
  return runToEnd(steps);
}

/** A target with a port, a protocol, or both, as on a command line. */
const WITH_SCOPE = /^(?:\[[^\]]*\]|[^:[\]]*)(?::[\d-]+(?:\/(?:tcp|udp|icmp))?|\/(?:tcp|udp|icmp))$/i;
const NO_SCOPES =
  "a rule for some ports or a protocol, and only whole targets count here: write the target alone, or the rule with its ports into the policy";

function* lineSteps<T>(
  fileName: string,
  text: string,
  parse: (line: string) => Result<T>,
): Steps<Result<readonly T[]>> {
  const values: T[] = [];
  const problems: Problem[] = [];
  let number = 0;
  for (const line of linesOf(text)) {
    number += 1;
    yield;
    const written = line.replace(/#.*$/s, "").trim();
    if (written === "") continue;
    const parsed = parse(written);
    if (parsed.ok) values.push(parsed.value);
    else problems.push(...parsed.problems.map(({ message }) => ({ path: `${fileName}:${number}`, message })));
  }
  return problems.length === 0 ? accepted(values) : refusedAll(problems);
}

/** One after the other: checking all lines of a large file at once takes 50 ms. */
function* linesOf(text: string): Generator<string, void, undefined> {
  let from = 0;
  for (const { index, 0: end } of text.matchAll(/\r\n|\n|\r/g)) {
    yield text.slice(from, index);
    from = index + end.length;
  }
  yield text.slice(from);
}

function unfit(line: string, what: string): Result<never> {
  return refusedAll([{ path: "", message: `${quote(line)} is ${what}` }]);
}
