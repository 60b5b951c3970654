/**
 * The beginnings of some texts, as states with numbers: 0 is the empty one, and longer ones have higher
 * numbers.
 */

import type { Steps } from "../policy/steps.ts";

/** In place of a state or a pattern. */
export const NOWHERE = -1;

export interface Trie {
  readonly count: number;
  readonly parent: Int32Array;
  /** The last octet of the state's text. */
  readonly octet: Uint8Array;
  readonly depth: Int32Array;
  /** Which pattern the text is, the first of those that are the same. */
  readonly pattern: Int32Array;
  /** A pattern that begins with the text. */
  readonly owner: Int32Array;
  readonly edges: Edges;
}

interface Edges {
  childOf(state: number, octet: number): number;
  childrenOf(state: number): Iterable<readonly [octet: number, child: number]>;
  add(state: number, child: number): void;
}

/** A step is some ten microseconds. */
export function* trieSteps(patterns: readonly Uint8Array[]): Steps<Trie> {
  const room = patterns.reduce((sum, { length }) => sum + length, 1);
  const trie = {
    count: 1,
    parent: new Int32Array(room),
    octet: new Uint8Array(room),
    depth: new Int32Array(room),
    pattern: yield* nowhereSteps(room),
    owner: new Int32Array(room),
  };
  const edges = createEdges(yield* nowhereSteps(room), trie.octet);
  const longest = patterns.reduce((most, { length }) => Math.max(most, length), 0);
  const reached = new Int32Array(patterns.length);
  let going = [...patterns.keys()];
  for (let at = 0; at < longest; at += 1) {
    going = going.filter((index) => at < (patterns[index]?.length ?? 0));
    yield;
    for (const [nth, index] of going.entries()) {
      if (nth % STATES_A_STEP === STATES_A_STEP - 1) yield;
      const state = reached[index] ?? 0;
      const octet = patterns[index]?.[at] ?? 0;
      const there = edges.childOf(state, octet);
      reached[index] = there === NOWHERE ? trie.count : there;
      if (there !== NOWHERE) continue;
      trie.parent[trie.count] = state;
      trie.octet[trie.count] = octet;
      trie.depth[trie.count] = at + 1;
      trie.owner[trie.count] = index;
      edges.add(state, trie.count);
      trie.count += 1;
    }
  }
  for (const [index, state] of reached.entries()) {
    if (index % STATES_A_STEP === 0) yield;
    if (trie.pattern[state] === NOWHERE) trie.pattern[state] = index;
  }
  return { ...trie, edges };
}

export const STATES_A_STEP = 256;

/** As many, each `NOWHERE`: the kernel gives their memory as it is written to. */
export function* nowhereSteps(count: number): Steps<Int32Array> {
  const all = new Int32Array(count);
  for (let at = 0; at < count; at += NUMBERS_A_STEP) {
    all.fill(NOWHERE, at, at + NUMBERS_A_STEP);
    yield;
  }
  return all;
}

const NUMBERS_A_STEP = 16 << 10;

/** Most states have one way forward, which takes a number each: in `first`, all `NOWHERE` as yet. */
function createEdges(first: Int32Array, octet: Uint8Array): Edges {
  /** Of the states that have several: all of them. */
  const several = new Map<number, Map<number, number>>();
  return {
    childOf(state, next) {
      const only = first[state] ?? NOWHERE;
      if (only === NOWHERE || octet[only] === next) return only;
      return several.get(state)?.get(next) ?? NOWHERE;
    },
    childrenOf(state) {
      const only = first[state] ?? NOWHERE;
      if (only === NOWHERE) return [];
      return several.get(state) ?? [[octet[only] ?? 0, only] as const];
    },
    add(state, child) {
      const only = first[state] ?? NOWHERE;
      if (only === NOWHERE) {
        first[state] = child;
        return;
      }
      const all = several.get(state) ?? new Map([[octet[only] ?? 0, only]]);
      several.set(state, all.set(octet[child] ?? 0, child));
    },
  };
}
