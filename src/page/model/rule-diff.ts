/** The difference between two lists of rules, in which order counts. */
import type { components } from "../../client/api-types.ts";

export type ShownRule = Readonly<components["schemas"]["ShownRule"]>;

export interface DiffLine {
  readonly sign: "+" | "-" | " ";
  /** `allow example.org`. */
  readonly text: string;
}

/**
 * A table of so many cells takes some 30 ms; past it a changed stretch is shown as removed and added whole.
 */
const MOST_CELLS = 4_000_000;

/** Every line of both, in order; of a change the removed ones first. */
export function diffRules(before: readonly ShownRule[], after: readonly ShownRule[]): readonly DiffLine[] {
  const [old, now] = [before.map(renderRule), after.map(renderRule)];
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (tail < Math.min(old.length, now.length) - head && old.at(-1 - tail) === now.at(-1 - tail)) tail += 1;
  return [
    ...mark(" ", old.slice(0, head)),
    ...diffMiddle(old.slice(head, old.length - tail), now.slice(head, now.length - tail)),
    ...mark(" ", old.slice(old.length - tail)),
  ];
}

/**
 * Leaves out unchanged lines that are further than `context` from a change; `undefined` stands for each
 * stretch of them.
 */
export function withContext(lines: readonly DiffLine[], context = 3): readonly (DiffLine | undefined)[] {
  const isNear = new Uint8Array(lines.length);
  lines.forEach(({ sign }, at) => {
    if (sign !== " ") isNear.fill(1, Math.max(0, at - context), at + context + 1);
  });
  return lines.flatMap((line, at) => {
    if (isNear[at] === 1) return [line];
    return at > 0 && isNear[at - 1] === 0 ? [] : [undefined];
  });
}

function renderRule(rule: ShownRule): string {
  return `${rule.action} ${describeShownRule(rule)}`;
}

/** What a rule speaks of. */
export function describeShownRule({ target, ports, protocol, app, http }: Omit<ShownRule, "action">): string {
  const requests = http === undefined ? [] : ["http", http.methods?.join(", "), http.paths?.join(", ")];
  const spoken = app === undefined ? undefined : `app ${app}`;
  const scope = [protocol, ports?.join(", "), spoken, ...requests]
    .filter((part) => part !== undefined)
    .join(" ");
  return `${target ?? "every destination"}${scope === "" ? "" : ` (${scope})`}`;
}

function mark(sign: DiffLine["sign"], texts: readonly string[]): readonly DiffLine[] {
  return texts.map((text) => ({ sign, text }));
}

/** By the longest common subsequence. */
function diffMiddle(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  if ((old.length + 1) * (now.length + 1) > MOST_CELLS) return [...mark("-", old), ...mark("+", now)];
  const common = countCommon(old, now);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length && j < now.length) {
    const [mine = "", theirs = ""] = [old[i], now[j]];
    const isSame = mine === theirs;
    const takesOld = isSame || common(i + 1, j) >= common(i, j + 1);
    lines.push({ sign: isSame ? " " : takesOld ? "-" : "+", text: takesOld ? mine : theirs });
    if (takesOld) i += 1;
    if (isSame || !takesOld) j += 1;
  }
  return [...lines, ...mark("-", old.slice(i)), ...mark("+", now.slice(j))];
}

/** How many lines of both, from these places on, are in one order. */
function countCommon(old: readonly string[], now: readonly string[]): (i: number, j: number) => number {
  const width = now.length + 1;
  const table = new Uint32Array((old.length + 1) * width);
  const at = (i: number, j: number): number => table[i * width + j] ?? 0;
  for (let i = old.length - 1; i >= 0; i -= 1) {
    for (let j = now.length - 1; j >= 0; j -= 1) {
      table[i * width + j] = old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  return at;
}
