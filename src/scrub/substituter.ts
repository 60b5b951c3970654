/**
 * Puts values in place of placeholders: one pass over what the workload wrote, the longest placeholder at
 * each place. It never looks again at what it put in. It reports a placeholder that has no value at this
 * place, or another spelling: the far end must not get it.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { type Automaton, automatonSteps } from "./automaton.ts";
import { EMPTY } from "./spans.ts";
import { createWatch, type Watch, type WatchedStream } from "./watch.ts";

export interface Filling {
  readonly placeholder: string;
  /** As it is to stand there, encoded for the place. */
  readonly value: string;
}

export interface Substituter {
  /**
   * Whether a placeholder and its value are of one length, each: a length that was told before still holds.
   */
  readonly keepsLength: boolean;
  /** Octets as characters (latin1), as heads have them. */
  substitute(text: string): Substituted;
  openStream(): SubstitutedStream;
}

export interface Substituted {
  readonly text: string;
  /** How many were filled. */
  readonly count: number;
  /** A placeholder in a place where none may stand; after that nothing of this may go on. */
  readonly misplaced: string | undefined;
}

export interface SubstitutedStream {
  /**
   * What can be passed on after this chunk, unless one is misplaced; held back is only what may begin a
   * placeholder.
   */
  push(chunk: Buffer): Buffer;
  /** Of what was held back. What follows is another text. */
  end(): Buffer;
  /** How many were filled so far. */
  count(): number;
  /** A placeholder that is misplaced in what was given back last. */
  misplaced(): string | undefined;
  /** Why nothing more of this may go on, if it has no form for what would have to be filled. */
  unfit(): string | undefined;
}

/**
 * `watch` is for all placeholders that there are, `automaton` for those of the fillings, in their order: see
 * {@link placeholderSteps}. Where two are the same the first counts.
 */
export function createSubstituter(
  fillings: readonly Filling[],
  watch: Watch = createWatch([]),
  automaton: Automaton = runToEnd(placeholderSteps(fillings.map(({ placeholder }) => placeholder))),
): Substituter {
  const placeholders = fillings.map(({ placeholder }) => Buffer.from(placeholder));
  const values = fillings.map(({ value }) => Buffer.from(value));
  const filled: ReadonlySet<string> = new Set(fillings.map(({ placeholder }) => placeholder));
  const openStream = (): SubstitutedStream => openOn({ automaton, values, watched: watch.open(filled) });
  return {
    keepsLength: placeholders.every(({ length }, index) => length === values[index]?.length),
    openStream,
    substitute(text) {
      const stream = openStream();
      const all = Buffer.concat([stream.push(Buffer.from(text, "latin1")), stream.end()]);
      const count = stream.count();
      return { text: count === 0 ? text : all.toString("latin1"), count, misplaced: stream.misplaced() };
    },
  };
}

/** What finds the placeholders. Throws for an empty one. */
export function placeholderSteps(placeholders: readonly string[]): Steps<Automaton> {
  if (placeholders.includes("")) throw new RangeError("a placeholder is empty");
  return automatonSteps(placeholders.map((placeholder) => Buffer.from(placeholder)));
}

/** From the first octet that is not passed on. */
interface Occurrence {
  readonly start: number;
  readonly end: number;
  readonly pattern: number;
}

interface Parts {
  readonly automaton: Automaton;
  readonly values: readonly Buffer[];
  /** What is left for the far end. */
  readonly watched: WatchedStream;
}

function openOn({ automaton, values, watched: left }: Parts): SubstitutedStream {
  let state = automaton.root;
  let filled = 0;
  /** By their ends. */
  let found: Occurrence[] = [];
  /** Octets at the front that a placeholder has taken, which has been filled. */
  let taken = 0;

  /** What begins before `until` is whole, so the longest at each place is known. */
  function settleUntil(until: number, held: Uint8Array, chunk: Buffer): Buffer {
    if (found.length === 0 && held.length === 0 && taken === 0) {
      const passed = chunk.subarray(0, until);
      left.read(passed);
      return passed;
    }
    const pieces: Uint8Array[] = [];
    const copy = (from: number, to: number): void => {
      const own = held.subarray(Math.min(from, held.length), Math.min(to, held.length));
      const rest = chunk.subarray(Math.max(from - held.length, 0), Math.max(to - held.length, 0));
      for (const piece of [own, rest]) if (piece.length > 0) pieces.push(piece);
      left.read(own);
      left.read(rest);
    };
    let at = taken;
    for (const { start, end, pattern } of inOrder(found)) {
      if (start >= until) break;
      if (start < at) continue;
      copy(at, start);
      left.cut();
      pieces.push(values[pattern] ?? EMPTY);
      filled += 1;
      at = end;
    }
    if (at < until) copy(at, until);
    if (found.length > 0) found = found.flatMap((one) => moveBack(one, until));
    taken = Math.max(at - until, 0);
    return Buffer.concat(pieces);
  }

  return {
    push(chunk) {
      const held = automaton.textOf(state);
      const cursor = { at: 0, state };
      while (automaton.read(chunk, cursor)) {
        const end = held.length + cursor.at;
        automaton.endings(cursor.state, (pattern, length) => {
          found.push({ start: end - length, end, pattern });
        });
      }
      state = automaton.settle(cursor.state);
      return settleUntil(held.length + chunk.length - automaton.depth(state), held, chunk);
    },
    end() {
      const held = automaton.textOf(state);
      state = automaton.root;
      return settleUntil(held.length, held, EMPTY);
    },
    count: () => filled,
    misplaced: left.seen,
    unfit: () => undefined,
  };
}

function inOrder(found: readonly Occurrence[]): readonly Occurrence[] {
  return found.toSorted((one, other) => one.start - other.start || other.end - one.end);
}

/** Nothing if it begins before. */
function moveBack({ start, end, pattern }: Occurrence, by: number): readonly Occurrence[] {
  return start < by ? [] : [{ start: start - by, end: end - by, pattern }];
}
