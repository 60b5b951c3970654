import { type BodyReader, type BodySink, createBodyReader } from "./body-reader.ts";
import { type Framing, isBodiless } from "./framing.ts";
import { type Head, MAX_HEAD_OCTETS, readHead } from "./head.ts";
import { refuse, type Refusal } from "./refusal.ts";

/**
 * Gets messages in their order. Whatever it does to the reader meanwhile, `hold` included, takes effect at
 * once.
 */
export interface MessageSink extends BodySink {
  /** Returns how the body ends; `undefined` if nothing more is a message. */
  head(head: Head): Framing | undefined;
  /** The message is malformed. No further call follows for the connection. */
  refused(refusal: Refusal): void;
}

/** Reads the messages of one direction of a connection, however their octets are cut. */
export interface MessageReader {
  /** Reads octets at once; keeps them while held. */
  feed(octets: Buffer): void;
  /** Reads nothing until `release`. */
  hold(): void;
  release(): void;
  /** How many octets it keeps unread. */
  kept(): number;
  /** Of the last head that it has read. */
  headOctets(): number;
  /** The octets that it kept: the connection has changed its protocol. It reads nothing any more. */
  takeRest(): Buffer;
  /**
   * The connection has ended. It is `clean` between messages, or behind a body that ends so; the reader then
   * reports that end.
   */
  finish(): "clean" | "cut";
}

const NOTHING = Buffer.alloc(0);

export function createMessageReader(sink: MessageSink): MessageReader {
  /** What is not read yet: part of a head, or everything while held. */
  let rest: Buffer = NOTHING;
  let searched = 0;
  let headOctets = 0;
  let body: BodyReader | undefined;
  let isHeld = false;
  let isDeaf = false;
  const bodySink: BodySink = {
    data: (octets) => sink.data(octets),
    end(trailers) {
      body = undefined;
      sink.end(trailers);
    },
  };

  function run(): void {
    while (canGoOn()) {
      if (!(body === undefined ? takeHead() : takeBody(body))) return;
    }
  }

  function canGoOn(): boolean {
    return !isHeld && !isDeaf && rest.length > 0;
  }

  /** Whether there was one. */
  function takeHead(): boolean {
    const end = rest.indexOf("\r\n\r\n", Math.max(0, searched - 3), "latin1");
    if (end < 0 ? rest.length > MAX_HEAD_OCTETS : end > MAX_HEAD_OCTETS - 4)
      return fail(refuse(431, `a head of more than ${MAX_HEAD_OCTETS} octets`));
    if (end < 0) {
      const odd = findOddOctet(rest, Math.max(0, searched - 1));
      searched = rest.length;
      return odd === undefined ? false : fail(odd);
    }
    const head = readHead(rest.toString("latin1", 0, end + 2));
    if (head.kind === "refused") return fail(head);
    headOctets = end + 4;
    // A part of nothing would keep the whole.
    rest = rest.length === headOctets ? NOTHING : rest.subarray(headOctets);
    searched = 0;
    const framing = sink.head(head);
    if (framing === undefined) isDeaf = true;
    else if (!isDeaf) begin(framing);
    return true;
  }

  function begin(framing: Framing): void {
    if (isBodiless(framing)) sink.end([]);
    else body = createBodyReader(framing, bodySink);
  }

  function takeBody(reader: BodyReader): boolean {
    const octets = rest;
    rest = NOTHING;
    const end = reader.take(octets, 0);
    if (typeof end !== "number") return fail(end);
    if (end < octets.length) rest = octets.subarray(end);
    return true;
  }

  function fail(refusal: Refusal): false {
    isDeaf = true;
    rest = NOTHING;
    sink.refused(refusal);
    return false;
  }

  return {
    feed(octets) {
      if (isDeaf && !isHeld) return;
      rest = rest.length === 0 ? octets : Buffer.concat([rest, octets]);
      run();
    },
    hold() {
      isHeld = true;
    },
    release() {
      isHeld = false;
      run();
    },
    kept: () => rest.length + (body?.kept() ?? 0),
    headOctets: () => headOctets,
    takeRest() {
      const taken = rest;
      rest = NOTHING;
      isDeaf = true;
      isHeld = false;
      return taken;
    },
    finish() {
      if (body?.endsAtClose === true) {
        bodySink.end([]);
        return "clean";
      }
      return body === undefined && rest.length === 0 ? "clean" : "cut";
    },
  };
}

/** A head that has not ended and never will: reported at once, not when its time is over. */
function findOddOctet(octets: Buffer, start: number): Refusal | undefined {
  const text = octets.toString("latin1", start);
  // The first octet behind `start` was checked before.
  if ((start === 0 ? /(?:^|[^\r])\n/ : /[^\r]\n/).test(text))
    return refuse(400, "a line that ends without CR LF");
  if (/\r[^\n]/.test(text)) return refuse(400, "a CR that ends no line");
  // oxlint-disable-next-line no-control-regex -- NUL is what is looked for
  return /\0/.test(text) ? refuse(400, "a NUL in a head") : undefined;
}
