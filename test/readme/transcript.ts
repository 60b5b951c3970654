/** A terminal's session as a page shows it: `PROMPT$ COMMAND`, then what the command printed. */

export interface Step {
  /** Who types: what stands before `$`, empty for whoever reads the page. */
  readonly who: string;
  readonly command: string;
  readonly output: readonly string[];
}

const PROMPT = /^(?<who>[a-z]*)\$ (?<command>.*)$/;

/**
 * A command goes on where a line ends with a backslash. Lines before the first prompt and blank lines between
 * steps say nothing.
 */
export function parseTranscript(lines: readonly string[]): readonly Step[] {
  const steps: { who: string; command: string; output: string[] }[] = [];
  let goesOn = false;
  for (const line of lines) {
    const { who, command } = PROMPT.exec(line)?.groups ?? {};
    const last = steps.at(-1);
    if (goesOn && last !== undefined) last.command += `\n${line}`;
    else if (who !== undefined && command !== undefined) steps.push({ who, command, output: [] });
    else last?.output.push(line);
    goesOn = line.endsWith("\\") && (goesOn || command !== undefined);
  }
  return steps.map((step) => ({ ...step, output: trimBlank(step.output) }));
}

/** What differs from run to run, and what stands for it when two outputs are compared. */
const VARYING: readonly (readonly [RegExp, string])[] = [
  [/\b\d+(?:\.\d+)? (ms|s|octets)\b/g, "# $1"],
  [/\b\d+ and # octets/g, "# and # octets"],
  [/\bid: \d+/g, "id: #"],
  [/\b10\.213\.\d+\.\d+/g, "10.213.#.#"],
  // curl's words changed with 8.10.
  [/Couldn't connect/g, "Could not connect"],
  [/\begress_run_[0-9a-f]{8}/g, "egress_run_#"],
];

/** An output as it is compared: without what varies and without blank lines at its ends. */
export function steady(lines: readonly string[]): readonly string[] {
  const text = lines.map((line) =>
    VARYING.reduce((changed, [pattern, by]) => changed.replaceAll(pattern, by), line.trimEnd()),
  );
  return trimBlank(text);
}

/** Whether `actual` is what the page shows; a line `...` of the page stands for any lines, none included. */
export function isShown(shown: readonly string[], actual: readonly string[]): boolean {
  const [first, ...rest] = shown;
  if (first === undefined) return actual.length === 0;
  if (first.trim() === "...") {
    return Array.from({ length: actual.length + 1 }, (_, skipped) => actual.slice(skipped)).some((left) =>
      isShown(rest, left),
    );
  }
  return actual.length > 0 && first === actual[0] && isShown(rest, actual.slice(1));
}

function trimBlank(lines: readonly string[]): string[] {
  const from = lines.findIndex((line) => line !== "");
  const to = lines.findLastIndex((line) => line !== "");
  return from === -1 ? [] : lines.slice(from, to + 1);
}
