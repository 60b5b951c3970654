/** For the first states of an automaton: which state each octet leads to. */
import type { Steps } from "../policy/steps.ts";
import { STATES_A_STEP } from "./trie.ts";

export interface Rows {
  /** How many states have one. */
  readonly count: number;
  /** A row has a power of two of numbers, this one: where it begins is found by a shift. */
  readonly shift: number;
  /** Where each octet is in a row. */
  readonly places: Uint8Array;
  /** All rows, one after the other. */
  readonly next: Int32Array;
}

/** Numbers in all rows together: 8 MiB. */
const MOST_NUMBERS = 2 << 20;

/** Empty ones, for that many states or fewer. `octets`: all that a pattern has. */
export function* rowSteps(octets: Uint8Array, states: number): Steps<Rows> {
  const places = yield* placeSteps(octets);
  const used = places.reduce((most, place) => Math.max(most, place), 0) + 1;
  const shift = Math.ceil(Math.log2(used));
  const count = Math.min(states, MOST_NUMBERS >> shift);
  return { count, shift, places, next: new Int32Array(count << shift) };
}

/** The state goes on as the one that it falls back to does, but for its own children. */
export function fillRow(
  { next, shift, places }: Rows,
  state: number,
  back: number,
  children: Iterable<readonly [octet: number, child: number]>,
): void {
  next.copyWithin(state << shift, back << shift, (back + 1) << shift);
  for (const [octet, child] of children) next[(state << shift) + (places[octet] ?? 0)] = child;
}

/** Octets that no pattern has share the first place. If there is none of them, the last octet has it. */
function* placeSteps(octets: Uint8Array): Steps<Uint8Array> {
  const isUsed = new Uint8Array(256);
  for (let at = 0; at < octets.length; at += 1) {
    if (at % STATES_A_STEP === 0) yield;
    isUsed[octets[at] ?? 0] = 1;
  }
  let used = 0;
  return isUsed.map((one) => (one === 1 ? ++used : 0));
}
