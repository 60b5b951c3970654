import type { Field } from "./field.ts";
import type { Framing } from "./framing.ts";
import { readFields } from "./head.ts";
import { CR, LF } from "./octets.ts";
import { refuse, type Refusal } from "./refusal.ts";

/** What the octets of a body turned out to be. */
export interface BodySink {
  /** A part of the caller's octets: no copy. */
  data(octets: Buffer): void;
  /** Trailers as they came: nothing has judged their names. */
  end(trailers: readonly Field[]): void;
}

/**
 * Takes octets from `start` on and returns where it has stopped: at the end of the body, or of the octets.
 */
export interface BodyReader {
  take(octets: Buffer, start: number): number | Refusal;
  /** How many octets it keeps: of a line that has not ended, or of trailers. */
  kept(): number;
  /** Whether the body may end where the connection does. */
  readonly endsAtClose: boolean;
}

const MAX_TRAILER_OCTETS = 16 * 1024;
const MAX_SIZE_LINE_OCTETS = 4 * 1024;

export function createBodyReader(framing: Framing, sink: BodySink): BodyReader {
  if (framing.kind === "chunked") return createChunkedReader(sink);
  if (framing.kind === "until-close")
    return {
      take: (octets, start) => hand(sink, octets, start, octets.length),
      ...NOTHING_KEPT,
      endsAtClose: true,
    };
  return createLengthReader(framing.kind === "length" ? framing.octets : 0, sink);
}

const NOTHING_KEPT = { kept: () => 0 };

function createLengthReader(total: number, sink: BodySink): BodyReader {
  let left = total;
  return {
    ...NOTHING_KEPT,
    endsAtClose: false,
    take(octets, start) {
      const end = Math.min(octets.length, start + left);
      left -= end - start;
      hand(sink, octets, start, end);
      if (left === 0) sink.end([]);
      return end;
    },
  };
}

function hand(sink: BodySink, octets: Buffer, start: number, end: number): number {
  if (end > start) sink.data(octets.subarray(start, end));
  return end;
}

/**
 * RFC 9112 section 7.1, strictly: sizes are one to twelve hexadecimal digits, lines end with CR LF,
 * extensions are read and dropped.
 */
function createChunkedReader(sink: BodySink): BodyReader {
  /** Of the chunk's data. */
  let left = 0;
  /** A size line, the line end behind a chunk's data, or trailers, as far as they have come. */
  let line = "";
  let state: "size" | "data" | "data-end" | "trailers" | "over" = "size";

  const goesOn = (): boolean => state !== "over";

  function takeLine(octets: Buffer, start: number): number | Refusal {
    const found = octets.indexOf(LF, start);
    const end = found < 0 ? octets.length : found + 1;
    line += octets.toString("latin1", start, end);
    if (line.length > (state === "trailers" ? MAX_TRAILER_OCTETS : MAX_SIZE_LINE_OCTETS))
      return refuse(400, "a chunk's line or trailers that are too long");
    if (found < 0) return end;
    const refused = lineEnded();
    return refused ?? end;
  }

  function lineEnded(): Refusal | undefined {
    if (!line.endsWith("\r\n")) return refuse(400, "a line among chunks that ends without CR LF");
    if (state === "data-end") {
      if (line !== "\r\n") return refuse(400, "a chunk that is longer than its size");
      [state, line] = ["size", ""];
      return undefined;
    }
    if (state === "size") {
      const size = readChunkSize(line.slice(0, -2));
      if (size === undefined) return refuse(400, "a chunk without a sound size");
      [left, line] = [size, ""];
      state = size === 0 ? "trailers" : "data";
      return undefined;
    }
    if (line !== "\r\n" && !line.endsWith("\r\n\r\n")) return undefined;
    const trailers = readFields(line.slice(0, -2), 0);
    if ("kind" in trailers) return trailers;
    state = "over";
    sink.end(trailers);
    return undefined;
  }

  return {
    endsAtClose: false,
    kept: () => line.length,
    take(octets, start) {
      let at = start;
      while (at < octets.length && goesOn()) {
        if (state === "data") {
          const end = Math.min(octets.length, at + left);
          left -= end - at;
          at = hand(sink, octets, at, end);
          if (left === 0) state = "data-end";
          continue;
        }
        // The usual case without a string: the two octets behind a chunk.
        if (state === "data-end" && line === "" && octets[at] === CR && octets[at + 1] === LF) {
          at += 2;
          state = "size";
          continue;
        }
        const next = takeLine(octets, at);
        if (typeof next !== "number") return next;
        at = next;
      }
      return at;
    },
  };
}

function readChunkSize(line: string): number | undefined {
  // An extension holds no control character, and does not go on.
  const match = /^(?<digits>[\da-f]{1,12})(?:[ \t]*;[\t -~\x80-\xff]*)?$/i.exec(line);
  return match === null ? undefined : Number.parseInt(match.groups?.["digits"] ?? "", 16);
}
