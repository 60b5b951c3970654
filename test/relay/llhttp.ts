/** Node's own parser (llhttp), fed directly: a second opinion on what octets of HTTP/1.1 are. */
import { createRequire } from "node:module";

/** One message as llhttp tells it. Names in lower case. */
export interface ReadMessage {
  readonly method: string;
  readonly target: string;
  readonly fields: readonly (readonly [name: string, value: string])[];
  body: string;
  isWhole: boolean;
}

interface Parser {
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void;
  execute(octets: Buffer): unknown;
  [callback: number]: (...values: readonly unknown[]) => unknown;
}

interface ParserMaker {
  new (): Parser;
  readonly REQUEST: number;
  readonly kOnHeaders: number;
  readonly kOnHeadersComplete: number;
  readonly kOnBody: number;
  readonly kOnMessageComplete: number;
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Node's inner module has no types
const inner = createRequire(import.meta.url)("_http_common") as {
  readonly HTTPParser: ParserMaker;
  readonly methods: readonly string[];
};

const ALL_LENIENT = 1023;

/**
 * The requests that llhttp finds, up to where it stops; `isLenient` takes all that it can be told to
 * overlook.
 */
export function readByLlhttp(octets: Buffer, isLenient: boolean): readonly ReadMessage[] {
  const { HTTPParser } = inner;
  const messages: ReadMessage[] = [];
  const parser = new HTTPParser();
  parser.initialize(HTTPParser.REQUEST, {}, 1 << 20, isLenient ? ALL_LENIENT : 0);
  // Of a long head it tells the target with the first 32 fields; trailers come so, too.
  let early: readonly string[] = [];
  let earlyUrl = "";
  parser[HTTPParser.kOnHeaders] = (fields, url) => {
    early = [...early, ...texts(fields)];
    earlyUrl += String(url);
  };
  parser[HTTPParser.kOnHeadersComplete] = (_major, _minor, fields, method, url) => {
    const all = [...early, ...texts(fields)];
    messages.push({
      method: inner.methods[Number(method)] ?? "?",
      target: earlyUrl === "" ? String(url) : earlyUrl,
      fields: all.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), all[at + 1] ?? ""]] : [])),
      body: "",
      isWhole: false,
    });
    early = [];
    earlyUrl = "";
    return 0;
  };
  parser[HTTPParser.kOnBody] = (part) => {
    const last = messages.at(-1);
    if (last !== undefined && Buffer.isBuffer(part)) last.body += part.toString("latin1");
  };
  parser[HTTPParser.kOnMessageComplete] = () => {
    const last = messages.at(-1);
    if (last !== undefined) last.isWhole = true;
    early = [];
    earlyUrl = "";
  };
  parser.execute(octets);
  return messages;
}

function texts(values: unknown): readonly string[] {
  return Array.isArray(values) ? values.map(String) : [];
}
