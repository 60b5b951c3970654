/**
 * Takes secrets out of what the far end answers: each stretch that any of their spellings covers becomes
 * `[REDACTED]`, in a stream of any length and however it is cut. Held back is only what may be the beginning
 * of a spelling, so that an event is passed on when it comes.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { type Automaton, automatonSteps } from "./automaton.ts";
import { formSteps } from "./secret-forms.ts";

const REDACTED = Buffer.from("[REDACTED]");

export interface Redactor {
  /** Whether a text holds a spelling of a secret. */
  holds(text: string): boolean;
  /** A header's value, one character for each octet as Node's `latin1`. */
  redact(value: string): string;
  openStream(fill?: Fill): RedactedStream;
}

/**
 * What takes a secret's place: a word, or as many stars as it had octets, so that lengths that stand before
 * it still hold.
 */
export type Fill = "word" | "stars";

export interface RedactedStream {
  /**
   * What can be passed on after this chunk, which must not be written to any more. May be empty, or the chunk
   * itself.
   */
  push(chunk: Buffer): Buffer;
  /** What is left. The stream is over then. */
  end(): Buffer;
}

/** Without a pause: of many secrets it takes seconds. */
export function createRedactor(secrets: readonly string[]): Redactor {
  return runToEnd(redactorSteps(secrets));
}

/**
 * Costs grow with the secrets' lengths: some 10 us an octet. To be made once for a change of the vault. A
 * step is a spelling of a secret, or some ten microseconds.
 */
export function* redactorSteps(secrets: readonly string[]): Steps<Redactor> {
  const forms = new Map<string, Buffer>();
  let shortest = Infinity;
  for (const secret of secrets) {
    for (const form of yield* formSteps(secret)) {
      forms.set(form.toString("latin1"), form);
      shortest = Math.min(shortest, form.length);
      yield;
    }
  }
  const automaton = yield* automatonSteps([...forms.values()]);
  const openStream = (fill: Fill = "word"): RedactedStream => openOn(automaton, fill);
  const holds = (text: string): boolean =>
    text.length >= shortest && automaton.read(Buffer.from(text, "latin1"), { at: 0, state: automaton.root });
  return {
    holds,
    openStream,
    redact(value) {
      if (!holds(value)) return value;
      const octets = Buffer.from(value, "latin1");
      const stream = openStream();
      return Buffer.concat([stream.push(octets), stream.end()]).toString("latin1");
    },
  };
}

/** From the first octet that is not passed on. A start below 0: what takes its place is passed on already. */
interface Span {
  readonly start: number;
  readonly end: number;
}

function openOn(automaton: Automaton, fill: Fill): RedactedStream {
  let state = automaton.root;
  /** In order, and with something between any two. */
  let spans: Span[] = [];

  function cover(start: number, end: number): void {
    let from = start;
    for (let last = spans.at(-1); last !== undefined && last.end >= from; last = spans.at(-1)) {
      from = Math.min(from, last.start);
      spans.pop();
    }
    spans.push({ start: from, end });
  }

  function release(held: Uint8Array, chunk: Buffer, until: number): Buffer {
    if (spans.length === 0 && held.length === 0) return chunk.subarray(0, until);
    const pieces: Uint8Array[] = [];
    const copy = (from: number, to: number): void => {
      if (from < held.length) pieces.push(held.subarray(from, Math.min(to, held.length)));
      if (to > held.length) pieces.push(chunk.subarray(Math.max(from - held.length, 0), to - held.length));
    };
    let at = 0;
    for (const { start, end } of spans) {
      if (start >= until) break;
      if (start > at) copy(at, start);
      const to = Math.min(end, until);
      if (fill === "stars") pieces.push(Buffer.alloc(to - Math.max(start, 0), "*"));
      else if (start >= 0) pieces.push(REDACTED);
      at = to;
    }
    if (at < until) copy(at, until);
    // One that ends at 0 is kept: what follows on it directly belongs to it.
    spans = spans
      .map(({ start, end }) => ({ start: start - until, end: end - until }))
      .filter(({ end }) => end >= 0);
    const [only] = pieces;
    return pieces.length === 1 && only !== undefined
      ? Buffer.from(only.buffer, only.byteOffset, only.length)
      : Buffer.concat(pieces);
  }

  return {
    push(chunk) {
      const held = automaton.textOf(state);
      const cursor = { at: 0, state };
      while (automaton.read(chunk, cursor)) {
        const end = held.length + cursor.at;
        let isLongest = true;
        automaton.endings(cursor.state, (_pattern, length) => {
          if (isLongest) cover(end - length, end);
          isLongest = false;
        });
      }
      state = automaton.settle(cursor.state);
      return release(held, chunk, held.length + chunk.length - automaton.depth(state));
    },
    end() {
      const held = automaton.textOf(state);
      state = automaton.root;
      return release(held, Buffer.alloc(0), held.length);
    },
  };
}
