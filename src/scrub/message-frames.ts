/**
 * Messages in a stream that tells their lengths: heads, the text of a message, and where it is whole. A
 * message of WebSocket may come in several frames.
 */
import { EMPTY } from "./spans.ts";

export type FrameKind = "envelope" | "eventstream" | "websocket";

export interface FrameEvents {
  /** Of a message that is read on with `text`. */
  head(octets: Buffer): void;
  text(octets: Buffer): void;
  /** The message is whole. */
  end(): void;
  /** A short message of its own between the frames of another, whole. */
  control(head: Buffer, text: Buffer): void;
}

export interface FrameReader {
  /** Gives why the rest cannot be read; nothing of these octets may go on then. */
  read(octets: Buffer, events: FrameEvents): string | undefined;
  /** Of a head that has not come whole. */
  rest(): Buffer;
}

/** Whether bodies of a media type are in envelopes. Those in base64 (`grpc-web-text`) are not read. */
export function hasEnvelopes(mediaType: string): boolean {
  return /^application\/(?:grpc(?!-web-text)|connect\+)/.test(mediaType);
}

interface Frame {
  /** Of its text. */
  readonly octets: number;
  /** The message is whole with it. */
  readonly isLast: boolean;
  readonly isControl: boolean;
}

interface Heads {
  /** How many octets the head has, as far as these tell; more of them may tell more. */
  length(head: Buffer): number;
  /** Gives why what follows cannot be read. */
  read(head: Buffer): Frame | string;
}

const COMPRESSED = "a message of the answer is compressed, though that was not asked for";

/** Flags and 32 bits of length: gRPC, gRPC-Web, and Connect's streams. */
const ENVELOPE: Heads = {
  length: () => 5,
  read(head) {
    if (((head[0] ?? 0) & 1) !== 0) return COMPRESSED;
    return { octets: head.readUInt32BE(1), isLast: true, isControl: false };
  },
};

/** AWS's event streams: 32 bits that count all of the message, these too. */
const EVENTSTREAM: Heads = {
  length: () => 4,
  read(head) {
    const octets = head.readUInt32BE(0) - 4;
    if (octets < 12) return "an event of the answer is shorter than its own head";
    return { octets, isLast: true, isControl: false };
  },
};

/** RFC 6455 section 5.2, from a server: nothing is masked, and there are no extensions. */
const WEBSOCKET: Heads = {
  length(head) {
    const told = (head[1] ?? 0) & 0x7f;
    if (head.length < 2 || told < 126) return 2;
    return told === 126 ? 4 : 10;
  },
  read(head) {
    const [first = 0, second = 0] = head;
    const isControl = (first & 0x08) !== 0;
    if ((second & 0x80) !== 0 || (first & 0x70) !== 0)
      return "a frame of WebSocket is masked, or has an extension that was not agreed on";
    const octets = head.length === 2 ? second : readLength(head.subarray(2));
    if (octets > Number.MAX_SAFE_INTEGER || (isControl && octets > MOST_OF_CONTROL))
      return "a frame of WebSocket has a length that is none";
    return { octets, isLast: (first & 0x80) !== 0, isControl };
  },
};

/** RFC 6455 section 5.5. */
const MOST_OF_CONTROL = 125;

function readLength(octets: Buffer): number {
  return octets.length === 2 ? octets.readUInt16BE() : Number(octets.readBigUInt64BE());
}

const HEADS: Readonly<Record<FrameKind, Heads>> = {
  envelope: ENVELOPE,
  eventstream: EVENTSTREAM,
  websocket: WEBSOCKET,
};

export function createFrameReader(kind: FrameKind): FrameReader {
  const heads = HEADS[kind];
  let head = EMPTY;
  /** Undefined while a head is read. */
  let frame: Frame | undefined;
  let left = 0;
  let control: Buffer[] = [];

  /** Gives how many it has taken, or why what follows cannot be read. */
  function takeHead(octets: Buffer, events: FrameEvents): number | string {
    let taken = 0;
    for (let more = heads.length(head) - head.length; more > 0; more = heads.length(head) - head.length) {
      if (taken === octets.length) return taken;
      const part = octets.subarray(taken, taken + more);
      head = Buffer.concat([head, part]);
      taken += part.length;
    }
    const read = heads.read(head);
    if (typeof read === "string") return read;
    frame = read;
    left = read.octets;
    if (!read.isControl) events.head(head);
    return taken;
  }

  function takeText(octets: Buffer, isControl: boolean, events: FrameEvents): number {
    const part = octets.subarray(0, left);
    left -= part.length;
    if (isControl) control.push(part);
    else if (part.length > 0) events.text(part);
    return part.length;
  }

  function finish({ isControl, isLast }: Frame, events: FrameEvents): void {
    if (isControl) events.control(head, Buffer.concat(control));
    else if (isLast) events.end();
    control = [];
    head = EMPTY;
    frame = undefined;
  }

  return {
    read(octets, events) {
      for (let at = 0; at < octets.length;) {
        const rest = octets.subarray(at);
        const taken = frame === undefined ? takeHead(rest, events) : takeText(rest, frame.isControl, events);
        if (typeof taken === "string") return taken;
        at += taken;
        if (frame !== undefined && left === 0) finish(frame, events);
      }
      return undefined;
    },
    rest: () => (frame === undefined ? head : EMPTY),
  };
}
