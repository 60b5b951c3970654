/**
 * A stream without secrets: each stretch that any of their spellings covers is replaced, however the stream
 * is cut.
 *
 * Held back are as many octets as the longest spelling has, less one, since the last place that no spelling
 * lies across: the end of a line that is none of digits, or of a message where messages tell their lengths.
 * How many these are depends on what has come and on a secret's length, never on whether something begins a
 * secret: the workload chooses texts that a host sends back, and would read a secret octet by octet off the
 * places where an answer pauses.
 */
import { LF } from "../relay/gate/octets.ts";
import type { Finder, Finding } from "./finder.ts";
import { FEWEST_IN_A_LINE, lastDigits, octetAt } from "./digit-lines.ts";
import { createHeldPieces } from "./held-pieces.ts";
import type { FrameEvents, FrameReader } from "./message-frames.ts";
import { createStreamTail } from "./stream-tail.ts";
import { coverOctets, EMPTY, type Fill, mergeSpans, type Span } from "./spans.ts";

export interface RedactedStream {
  /**
   * What can be passed on after this chunk, which must not be written to any more. May be empty, or the chunk
   * itself.
   */
  push(chunk: Buffer): Buffer;
  /** What is left. The stream is over then. */
  end(): Buffer;
  /** Why the rest of it cannot be read: it must not go on. */
  fault(): string | undefined;
}

export interface RedactedStreamOptions {
  /** Those that count now; asked at each chunk. */
  readonly finders: () => readonly Finder[];
  readonly fill: Fill;
  /** Of messages that tell their lengths; `fill` has to be stars. */
  readonly frames?: FrameReader | undefined;
  /** At a line's beginning, what ends a part although no line ends behind it. */
  readonly delimiter?: Buffer | undefined;
}

export function openRedactedStream(options: RedactedStreamOptions): RedactedStream {
  const { finders, fill, frames, delimiter } = options;
  const held = createHeldPieces(fill);
  const search = createSearch(finders);
  /** How much text stands before the last place that no spelling lies across. */
  let border = 0;
  const tail = createStreamTail(BEFORE_A_LINE_END);
  /** In order, and with something between any two. */
  let spans: readonly Span[] = [];
  let fault: string | undefined;

  function cover(found: readonly Span[]): void {
    if (found.length > 0) spans = mergeSpans(spans, found);
  }

  const events: FrameEvents = {
    head: held.addHead,
    text(octets) {
      if (octets.length === 0) return;
      cover(search.read(octets));
      const line = search.spansLines() ? 0 : afterLastLine(octets, tail.last(BEFORE_A_LINE_END));
      if (line > 0) border = held.end() + line;
      tail.keep(octets);
      held.addText(octets);
    },
    end() {
      border = held.end();
      search.restart(border);
    },
    control(head, text) {
      const covered = coverOctets(text, 0, { spans: search.readApart(text), fill: "stars" });
      held.addHead(Buffer.concat([head, ...covered]));
    },
  };

  function isRest(text: Buffer | undefined): boolean {
    if (text === undefined || held.end() - border !== text.length || held.passed() > border) return false;
    return !search.spansLines() && text.equals(Buffer.concat(held.texts()).subarray(-text.length));
  }

  function release(until: number): Buffer {
    const given = held.release(until, spans);
    // One that ends here is kept: what follows on it directly belongs to it.
    if (spans.length > 0) spans = spans.filter((span) => span.end >= until);
    return given;
  }

  return {
    push(chunk) {
      cover(search.renew(held.passed(), held.texts));
      if (frames === undefined) events.text(chunk);
      else fault ??= frames.read(chunk, events);
      if (fault !== undefined) return EMPTY;
      if (isRest(delimiter)) border = held.end();
      const given = release(Math.max(held.passed(), border, held.end() - search.longest() + 1));
      held.keep();
      return given;
    },
    end() {
      if (fault !== undefined) return EMPTY;
      if (frames !== undefined) held.addHead(frames.rest());
      return release(held.end());
    },
    fault: () => fault,
  };
}

/** The finders that count now, each as far as it has read. */
interface Search {
  /** Looks which they are; those that are new read what is held, which begins at `from`. */
  renew(from: number, held: () => readonly Buffer[]): readonly Span[];
  read(octets: Buffer): readonly Span[];
  /** What is not part of the stream's text. */
  readApart(text: Buffer): readonly Span[];
  /** At `from`: what comes then does not belong to what was read. */
  restart(from: number): void;
  longest(): number;
  spansLines(): boolean;
}

interface OpenFinder {
  readonly finder: Finder;
  readonly finding: Finding;
  /** How much text stood before the first octet that it has read. */
  readonly from: number;
}

function createSearch(finders: () => readonly Finder[]): Search {
  let open: readonly OpenFinder[] = [];
  return {
    renew(from, held) {
      const now = finders();
      if (now.length === open.length && now.every((finder, index) => finder === open[index]?.finder))
        return [];
      const before = open;
      open = now.map((finder) => before.find((one) => one.finder === finder) ?? openFinder(finder, from));
      const added = open.filter((one) => !before.includes(one));
      return held().flatMap((octets) => added.flatMap((one) => find(one, octets)));
    },
    read: (octets) => open.flatMap((one) => find(one, octets)),
    readApart: (text) =>
      mergeSpans(
        [],
        open.flatMap(({ finder }) => find(openFinder(finder, 0), text)),
      ),
    restart(from) {
      open = open.map(({ finder }) => openFinder(finder, from));
    },
    longest: () => open.reduce((most, { finder }) => Math.max(most, finder.longest), 1),
    spansLines: () => open.some(({ finder }) => finder.spansLines),
  };
}

function openFinder(finder: Finder, from: number): OpenFinder {
  return { finder, finding: finder.open(), from };
}

function find({ finding, from }: OpenFinder, octets: Buffer): readonly Span[] {
  const found: Span[] = [];
  finding.read(octets, (start, end) => found.push({ start: from + start, end: from + end }));
  return found;
}

const EQUALS = 0x3d;

/** Octets that tell whether a line end is one: `=` and CR, or digits and CR. */
const BEFORE_A_LINE_END = FEWEST_IN_A_LINE + 1;

/**
 * How many octets there are up to the end of the last line, with it; 0 if no line ends. `earlier`: what came
 * before them. A soft line break of quoted-printable ends no line, nor does the end of a line of digits.
 */
function afterLastLine(octets: Buffer, earlier: Buffer): number {
  const given = { octets, earlier };
  for (let at = octets.lastIndexOf(LF); at >= 0; at = at === 0 ? -1 : octets.lastIndexOf(LF, at - 1)) {
    const { start, end } = lastDigits(given, at, FEWEST_IN_A_LINE);
    if (octetAt(given, end - 1) !== EQUALS && end - start < FEWEST_IN_A_LINE) return at + 1;
  }
  return 0;
}
