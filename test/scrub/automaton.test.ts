import { array, assert, constantFrom, property, string as text } from "fast-check";
import { expect, test } from "vitest";
import { type Automaton, createAutomaton } from "../../src/scrub/automaton.ts";

const FEW = text({ unit: constantFrom("a", "b", "c"), minLength: 1, maxLength: 8 });

interface Found {
  readonly pattern: string;
  readonly end: number;
}

function findAll(patterns: readonly string[], read: string): readonly Found[] {
  const automaton = createAutomaton(patterns.map((one) => Buffer.from(one)));
  const found: Found[] = [];
  const cursor = { at: 0, state: automaton.root };
  while (automaton.read(Buffer.from(read), cursor)) {
    automaton.endings(cursor.state, (pattern) =>
      found.push({ pattern: patterns[pattern] ?? "", end: cursor.at }),
    );
  }
  return found;
}

function stateAfter(automaton: Automaton, read: Buffer): number {
  const cursor = { at: 0, state: automaton.root };
  while (automaton.read(read, cursor));
  return cursor.state;
}

function findPlainly(patterns: readonly string[], read: string): readonly Found[] {
  return Array.from({ length: read.length }, (_none, index) => index + 1).flatMap((end) =>
    [...new Set(patterns)]
      .filter((pattern) => read.slice(0, end).endsWith(pattern))
      .toSorted((one, other) => other.length - one.length)
      .map((pattern) => ({ pattern, end })),
  );
}

test("every pattern is found wherever it ends, the longest first, as one that looks at each place finds them", () => {
  assert(
    property(
      array(FEW, { maxLength: 6 }),
      text({ unit: constantFrom("a", "b", "c"), maxLength: 60 }),
      (patterns, read) => {
        expect(findAll(patterns, read)).toEqual(findPlainly(patterns, read));
      },
    ),
  );
});

test("patterns with more states than there are rows for are found as well", () => {
  const letters = "abcdefgh";
  const patterns = Array.from({ length: 60 }, (_none, index) =>
    Array.from({ length: 40 }, (_other, at) => letters[(index * at + index + at * at) % 8]).join(""),
  );
  const read = patterns.join("a") + patterns.map((one) => one.slice(1)).join("");
  expect(findAll(patterns, read)).toEqual(findPlainly(patterns, read));
});

test("the state is the longest text that ends what was read and begins a pattern, and can go on", () => {
  assert(
    property(
      array(FEW, { maxLength: 6 }),
      text({ unit: constantFrom("a", "b", "c"), maxLength: 40 }),
      (patterns, read) => {
        const automaton = createAutomaton(patterns.map((one) => Buffer.from(one)));
        const state = stateAfter(automaton, Buffer.from(read));
        const beginnings = patterns.flatMap((one) => Array.from(one, (_char, index) => one.slice(0, index)));
        const held = beginnings
          .filter((one) => read.endsWith(one))
          .reduce((longest, one) => (one.length > longest.length ? one : longest), "");
        const settled = automaton.settle(state);
        expect(Buffer.from(automaton.textOf(settled)).toString()).toBe(held);
        expect(automaton.depth(settled)).toBe(held.length);
      },
    ),
  );
});

test("a step costs the same on average, however often the text begins a pattern and fails", () => {
  const half = 1 << 15;
  const automaton = createAutomaton([Buffer.from(`${"a".repeat(half)}b`), Buffer.from("a".repeat(2 * half))]);
  const read = Buffer.from(`${"a".repeat(half - 1)}c`.repeat(64));
  expect(stateAfter(automaton, read)).toBe(automaton.root);
});
