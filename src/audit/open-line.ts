/** A line of JSON that is written octet by octet into memory which is used again. */
import type { EncodedLine } from "./line-queue.ts";

/** A line that stands up to the value of `target.host`, and is then gone on with. */
export interface OpenLine extends EncodedLine {
  /** Goes back to that place; the strings that follow have so many characters in all. */
  begin(nowMs: number, characters: number): void;
  /** ASCII that is JSON already. */
  plain(text: string): void;
  string(text: string): void;
  /** Where it ends now. */
  end(): number;
  /** Writes once more what stands from there on up to another place. */
  again(from: number, to: number): void;
}

/** Room for what is plain after the host. */
const PLAIN_OCTETS = 384;
/** JSON writes a character as six octets at most: `\u0000`. */
const OCTETS_PER_CHARACTER = 6;

/** `rest`: the fields between the time and the host, as JSON without braces. */
export function createOpenLine(level: string, rest: string): OpenLine {
  let octets = Buffer.alloc(0);
  let at = 0;
  let headOctets = 0;
  let headMs = Number.NaN;

  /** Rendered once for all lines of a millisecond. */
  function renderHead(nowMs: number): string {
    const time = new Date(nowMs).toISOString();
    return `{"level":"${level}","time":"${time}",${rest},"target.host":`;
  }
  return {
    octets() {
      return octets;
    },
    length() {
      return at;
    },
    begin(nowMs, characters) {
      const room = PLAIN_OCTETS + OCTETS_PER_CHARACTER * characters;
      if (nowMs !== headMs || headOctets + room > octets.length) {
        const head = Buffer.from(renderHead(nowMs));
        if (head.length + room > octets.length) octets = Buffer.alloc(head.length + 2 * room);
        head.copy(octets);
        headOctets = head.length;
        headMs = nowMs;
      }
      at = headOctets;
    },
    plain(text) {
      at = writePlain(octets, at, text);
    },
    string(text) {
      at = writeString(octets, at, text);
    },
    end() {
      return at;
    },
    again(from, to) {
      octets.copyWithin(at, from, to);
      at += to - from;
    },
  };
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** From this length on a call for all of it takes less time than the characters one by one. */
const LONG = 14;

function writePlain(octets: Buffer, at: number, text: string): number {
  if (text.length >= LONG) return at + octets.write(text, at, text.length, "latin1");
  for (let i = 0; i < text.length; i++) octets[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** Writes a JSON string; returns where it ends. */
function writeString(octets: Buffer, start: number, text: string): number {
  let at = start;
  octets[at++] = QUOTE;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    // Control characters and what is not ASCII: rare, for names come as letters, digits and `\DDD`.
    if (code < 0x20 || code > 0x7e) return start + octets.write(JSON.stringify(text), start);
    if (code === QUOTE || code === BACKSLASH) octets[at++] = BACKSLASH;
    octets[at++] = code;
  }
  octets[at++] = QUOTE;
  return at;
}
