/**
 * The server name in a ClientHello, read as far as it has come.
 *
 *     ClientHello   version:2 random:32 session<0..32> suites<2..2^16-2> compression<1..2^8-1> extensions<0..2^16-1>   RFC 8446 section 4.1.2
 *     extension     type:2 data<0..2^16-1>                                                                             section 4.2
 *     server_name   list<1..2^16-1> of { type:1 name<1..2^16-1> }, exactly one, of type 0                              RFC 6066 section 3
 *
 * Of an encrypted hello this is the outer name (RFC 9849): browsers send the extension with meaningless
 * content, so that it alone says nothing.
 */
import { readHostName } from "./host-text.ts";
import { INCOMPLETE, refused, type Shown } from "./shown.ts";

const SERVER_NAME = 0;
const RANDOM_END = 2 + 32;

/**
 * Reads the first `body.length` octets of a hello that has `length` of them, without its handshake header.
 * `end` becomes that of the result. Returns `incomplete`, with the name if it has come, as long as octets are
 * missing.
 */
export function readClientHello(body: Buffer, length: number, end: number): Shown {
  const at = findExtensions(body, length);
  if (typeof at !== "number") return at;
  if (at === length) return body.length < length ? INCOMPLETE : { kind: "tls", name: undefined, end };
  if (at + 2 > length) return refused("a ClientHello's extensions are cut off");
  if (at + 2 > body.length) return INCOMPLETE;
  if (at + 2 + body.readUInt16BE(at) !== length)
    return refused("a ClientHello's extensions end elsewhere than it does");
  return readExtensions(body, { from: at + 2, length, end });
}

interface Vector {
  readonly what: string;
  /** Of its length. */
  readonly octets: 1 | 2;
  readonly least: number;
  readonly most: number;
}

/** What stands between the random octets and the extensions. */
const VECTORS: readonly Vector[] = [
  { what: "session id", octets: 1, least: 0, most: 32 },
  { what: "cipher suites", octets: 2, least: 2, most: 0xfffe },
  { what: "compression methods", octets: 1, least: 1, most: 0xff },
];

/** Where the extensions begin, or what the result is instead. */
function findExtensions(body: Buffer, length: number): number | Shown {
  if (length < RANDOM_END) return refused("a ClientHello is too short");
  if (body.length > 0 && body[0] !== 3) return refused("a ClientHello of an unknown version");
  let at = RANDOM_END;
  for (const { what, octets, least, most } of VECTORS) {
    const from = at + octets;
    if (from > length) return refused(`a ClientHello ends ahead of its ${what}`);
    if (from > body.length) return INCOMPLETE;
    const size = body.readUIntBE(at, octets);
    if (size < least || size > most) return refused(`a ClientHello with ${what} of a forbidden length`);
    at = from + size;
    if (at > length) return refused(`a ClientHello ends in its ${what}`);
  }
  return at;
}

interface Extensions {
  readonly from: number;
  readonly length: number;
  readonly end: number;
}

function readExtensions(body: Buffer, { from, length, end }: Extensions): Shown {
  let shown: Shown = { kind: "tls", name: undefined, end };
  let isSeen = false;
  for (let at = from; at < length;) {
    if (at + 4 > length) return refused("a ClientHello's extension is cut off");
    if (at + 4 > body.length) return toIncomplete(shown);
    const type = body.readUInt16BE(at);
    const next = at + 4 + body.readUInt16BE(at + 2);
    if (next > length) return refused("a ClientHello's extension ends behind it");
    if (type === SERVER_NAME) {
      if (isSeen) return refused("two server_name extensions");
      isSeen = true;
      if (next > body.length) return INCOMPLETE;
      shown = readServerName(body.subarray(at + 4, next), end);
      if (shown.kind === "refused") return shown;
    }
    at = next;
  }
  return length > body.length ? toIncomplete(shown) : shown;
}

function toIncomplete(shown: Shown): Shown {
  return shown.kind === "tls" ? { kind: "incomplete", name: shown.name } : INCOMPLETE;
}

function readServerName(data: Buffer, end: number): Shown {
  const isOne =
    data.length >= 6 &&
    data.readUInt16BE(0) === data.length - 2 &&
    data[2] === 0 &&
    data.readUInt16BE(3) === data.length - 5;
  if (!isOne) return refused("a server_name extension that has not exactly one host name");
  const host = readHostName(data.toString("latin1", 5));
  if (host.kind === "address") return refused("an address as server name");
  return host.kind === "odd" ? refused("a server name that is none") : { kind: "tls", name: host.name, end };
}
