/**
 * Finds many texts at once in a stream of octets, in time linear in the stream (Aho and Corasick, 1975). A
 * state stands for the longest text that both ends what was read and begins a pattern: what has to be held
 * back is that, octet for octet, so nothing is kept but the state's number.
 *
 * States near the root have a row of all octets and are left in one look-up, as most of a stream is read
 * there. Those further on have one way forward each, or a few in a map, and fall back to shorter ones: any
 * length of pattern costs some 40 octets of memory for each of its own. They take longer, which can be
 * measured from outside if a stream is long enough. So rows are short: all octets that are in no pattern
 * share a place, and all states of some twenty secrets have a row.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { fillRow, type Rows, rowSteps } from "./rows.ts";
import { NOWHERE, nowhereSteps, STATES_A_STEP, type Trie, trieSteps } from "./trie.ts";

const ROOT = 0;

export interface Automaton {
  /** Of the empty text. */
  readonly root: number;
  /**
   * Reads on from the cursor until a pattern ends, which is true, or `end` is reached, or an octet is next
   * that is `stop`.
   */
  read(octets: Uint8Array, cursor: Cursor, end?: number, stop?: number): boolean;
  /** The state after one more octet. */
  step(state: number, octet: number): number;
  /** Whether a pattern ends here. */
  isEnd(state: number): boolean;
  /**
   * The same as a state whose text can go on: what is no longer the beginning of a pattern need not be held.
   */
  settle(state: number): number;
  /** The length of the state's text. */
  depth(state: number): number;
  /** The state's text. Not to be written to. */
  textOf(state: number): Uint8Array;
  /** Calls for each pattern that ends here, the longest first. */
  endings(state: number, found: (pattern: number, length: number) => void): void;
}

/** How far the octets are read, and the state then. */
export interface Cursor {
  at: number;
  state: number;
}

/** None of the patterns is empty; where two are the same the first counts. */
export function createAutomaton(patterns: readonly Uint8Array[]): Automaton {
  return runToEnd(automatonSteps(patterns));
}

/** The same, in steps of some ten microseconds. */
export function* automatonSteps(patterns: readonly Uint8Array[]): Steps<Automaton> {
  const trie = yield* trieSteps(patterns);
  const { pattern, depth } = trie;
  const { rows, step, shorter, settled } = yield* linkSteps(trie);
  const { next: after, count: rowCount, shift, places } = rows;
  const isEnd = new Uint8Array(trie.count);
  for (let state = 0; state < trie.count; state += 1) {
    if (state % STATES_A_STEP === 0) yield;
    isEnd[state] = pattern[state] === NOWHERE && shorter[state] === NOWHERE ? 0 : 1;
  }
  return {
    root: ROOT,
    step,
    isEnd: (state) => isEnd[state] === 1,
    read(octets, cursor, end = octets.length, stop = NOWHERE) {
      let { at, state } = cursor;
      let hasEnded = false;
      while (at < end && !hasEnded) {
        const next = octets[at] ?? 0;
        if (next === stop) break;
        state =
          state < rowCount ? (after[(state << shift) + (places[next] ?? 0)] ?? ROOT) : step(state, next);
        hasEnded = isEnd[state] === 1;
        at += 1;
      }
      cursor.at = at;
      cursor.state = state;
      return hasEnded;
    },
    settle: (state) => settled[state] ?? ROOT,
    depth: (state) => depth[state] ?? 0,
    textOf: (state) => (patterns[trie.owner[state] ?? 0] ?? NOTHING).subarray(0, depth[state] ?? 0),
    endings(state, found) {
      const isWhole = (pattern[state] ?? NOWHERE) !== NOWHERE;
      for (
        let at = isWhole ? state : (shorter[state] ?? NOWHERE);
        at !== NOWHERE;
        at = shorter[at] ?? NOWHERE
      )
        found(pattern[at] ?? NOWHERE, depth[at] ?? 0);
    },
  };
}

const NOTHING = new Uint8Array(0);

interface Links {
  readonly rows: Rows;
  /** The state after one more octet. */
  step(state: number, octet: number): number;
  /** The nearest shorter state that is a whole pattern. */
  readonly shorter: Int32Array;
  readonly settled: Int32Array;
}

/** States in their order, so that whatever one falls back to is done. */
function* linkSteps({ count, parent, octet, pattern, edges }: Trie): Steps<Links> {
  const fail = new Int32Array(count);
  const shorter = yield* nowhereSteps(count);
  const settled = new Int32Array(count);
  const rows = yield* rowSteps(octet.subarray(1, count), count);
  const step = createStep(rows, fail, edges);
  fillRow(rows, ROOT, ROOT, edges.childrenOf(ROOT));
  for (let state = 1; state < count; state += 1) {
    if (state % STATES_A_STEP === 0) yield;
    const up = parent[state] ?? ROOT;
    const back = up === ROOT ? ROOT : step(fail[up] ?? ROOT, octet[state] ?? 0);
    const children = [...edges.childrenOf(state)];
    fail[state] = back;
    shorter[state] = (pattern[back] ?? NOWHERE) === NOWHERE ? (shorter[back] ?? NOWHERE) : back;
    settled[state] = children.length > 0 ? state : (settled[back] ?? ROOT);
    if (state < rows.count) fillRow(rows, state, back, children);
  }
  return { rows, step, shorter, settled };
}

/** Where there is no way forward, the shorter states are tried. */
function createStep(rows: Rows, fail: Int32Array, edges: Trie["edges"]): Links["step"] {
  const { next: after, shift, places } = rows;
  return (from, next) => {
    for (let state = from; ; state = fail[state] ?? ROOT) {
      if (state < rows.count) return after[(state << shift) + (places[next] ?? 0)] ?? ROOT;
      const child = edges.childOf(state, next);
      if (child !== NOWHERE) return child;
    }
  };
}
