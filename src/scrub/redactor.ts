/**
 * Takes secrets out of what the far end answers: each stretch that any of their spellings covers becomes
 * `[REDACTED]`, in a header or in a stream of any length.
 */
import { runToEnd, type Steps } from "../policy/steps.ts";
import { type Finder, finderSteps } from "./finder.ts";
import { createFrameReader, type FrameKind } from "./message-frames.ts";
import { openRedactedStream, type RedactedStream } from "./redacted-stream.ts";
import { coverOctets, type Fill, mergeSpans, type Span } from "./spans.ts";

export interface Redactor {
  /** Of what it looks for, in the order of taking out. */
  readonly finders: readonly Finder[];
  /** Whether a text holds a spelling of a secret. */
  holds(text: string): boolean;
  /** A header's value, one character for each octet as Node's `latin1`. */
  redact(value: string): string;
  openStream(fill?: Fill, shape?: BodyShape): RedactedStream;
}

/** Where a body may go on, beside its lines' ends. */
export interface BodyShape {
  /** Messages that tell their lengths: the fill has to be stars. */
  readonly frames?: FrameKind | undefined;
  /** Of the parts of a multipart body, with the hyphens before it. */
  readonly delimiter?: string | undefined;
}

/** Without a pause: of many secrets it takes seconds. */
export function createRedactor(secrets: readonly string[]): Redactor {
  return runToEnd(redactorSteps(secrets));
}

/**
 * Costs grow with the secrets' lengths: some 4 us an octet. To be made once for a change of the vault. A
 * step is a form of a secret, or some ten microseconds.
 */
export function* redactorSteps(secrets: readonly string[]): Steps<Redactor> {
  const finder = yield* finderSteps(secrets);
  return redactBy(() => [finder]);
}

/** By those of the moment. */
export function redactBy(now: () => readonly Finder[]): Redactor {
  return {
    get finders() {
      return now();
    },
    holds: (text) => findIn(now(), text).length > 0,
    redact(value) {
      const spans = findIn(now(), value);
      if (spans.length === 0) return value;
      return Buffer.concat(coverOctets(Buffer.from(value, "latin1"), 0, { spans, fill: "word" })).toString(
        "latin1",
      );
    },
    openStream: (fill = "word", { frames, delimiter } = {}) =>
      openRedactedStream({
        finders: now,
        fill,
        frames: frames === undefined ? undefined : createFrameReader(frames),
        delimiter: delimiter === undefined ? undefined : Buffer.from(delimiter, "latin1"),
      }),
  };
}

function findIn(finders: readonly Finder[], text: string): readonly Span[] {
  const found: Span[] = [];
  for (const finder of finders) {
    if (text.length < finder.shortest) continue;
    finder.open().read(Buffer.from(text, "latin1"), (start, end) => found.push({ start, end }));
  }
  return mergeSpans([], found);
}
