/**
 * The name that a client shows in the first octets of a connection: the server name of TLS, or the Host of
 * HTTP/1. Pure: the octets so far go in, what they show comes out, and nothing is kept. Never throws,
 * whatever the octets.
 *
 * What begins like TLS or HTTP, for some server at least, is read strictly or refused; only what no server of
 * the two would read is `other`. Linear in the octets; a ClientHello takes about two microseconds, a small
 * head six.
 *
 * Known limits: TLS that begins later on, as behind STARTTLS of mail, is not seen, but for that of
 * PostgreSQL, which begins with TLS in all but eight octets. A second hello after a HelloRetryRequest is read
 * in `second-hello.ts`; one of a renegotiation of TLS 1.2 is encrypted.
 */
import { CLIENT_HELLO, HANDSHAKE, readHandshake, RECORD_HEADER } from "./handshake-records.ts";
import { MAX_HEAD, readRequestHead } from "./request-head.ts";
import { isRequestLine } from "./request-line.ts";
import { INCOMPLETE, refused, type Shown } from "./shown.ts";

/** Where the first message's type stands. */
const MESSAGE_AT = RECORD_HEADER;
const OTHER: Shown = { kind: "other" };
/**
 * Content types of records: change_cipher_spec, alert, handshake, application_data, heartbeat (RFC 8446
 * section 5.1, RFC 6520).
 */
const [FIRST_RECORD_TYPE, LAST_RECORD_TYPE] = [20, 24];
/** Octets of each of them. */
export const POSTGRES_REQUEST = 8;
/**
 * PostgreSQL's SSLRequest and GSSENCRequest: length:4 code:4. A client may send both; TLS follows once the
 * server has agreed.
 */
const POSTGRES = [80_877_103, 80_877_104].map((code) => {
  const octets = Buffer.alloc(POSTGRES_REQUEST);
  octets.writeUInt32BE(POSTGRES_REQUEST);
  octets.writeUInt32BE(code, 4);
  return octets;
});
export const MAX_REQUESTS_OCTETS = 32;
/** How version 2 of the PROXY protocol begins; version 1 is a line of text. */
const PROXY_V2 = Buffer.from("\r\n\r\n\0", "latin1");
/** What servers are known to skip ahead of a request, or split it by. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const BLANKS = /^[\t-\r\x1c-\x20\x85\xa0]*/;
/**
 * A control octet in the first word, or where the next one would begin: no server takes a method or a target
 * for that. Messages of binary protocols have one in their first octets, mostly a zero of a length.
 */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const BINARY = /^[^\0-\x20]*[\t\v\f\x1c-\x20]*[\0-\x08\x0e-\x1b]/;
/** A `get` in lower case of what is neither a path nor a URL asks memcached for a key. */
const MEMCACHED_GET = /^get [^\s/:?#%]+(?: [^\s/:?#%]+)*\r?$/;
/** What a line of text has: no control character but the tab. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const TEXT = /^[\t\x20-\x7e\x80-\xff\r]*$/;

/** Reads all that a client has sent so far, from its first octet on. */
export function readFirstOctets(stream: Buffer): Shown {
  const at = behindPostgres(stream);
  if (at >= stream.length) return at > MAX_REQUESTS_OCTETS ? refused("many requests for TLS") : INCOMPLETE;
  const rest = at === 0 ? stream : stream.subarray(at);
  if (isRecord(rest)) return rest.length < 2 ? INCOMPLETE : readHandshake(stream, at);
  if (isOddRecord(rest))
    return rest.length <= MESSAGE_AT ? INCOMPLETE : refused("a TLS record of an unknown version");
  if (at > 0) return OTHER;
  if (isSsl2(stream)) return stream.length < 5 ? INCOMPLETE : refused("a hello of SSL 2");
  return readText(stream);
}

/** Where PostgreSQL's requests for TLS end; where the stream ends in one, behind it. */
export function behindPostgres(stream: Buffer): number {
  let at = 0;
  while (at < stream.length && POSTGRES.some((request) => hasAt(stream, at, request))) at += POSTGRES_REQUEST;
  return at;
}

/** Whether `octets` are there from `at` on, as far as the stream goes. */
function hasAt(stream: Buffer, at: number, octets: Buffer): boolean {
  const end = Math.min(stream.length, at + octets.length);
  return octets.compare(stream, at, end, 0, end - at) === 0;
}

/**
 * Whether it begins like a record, of whatever version: some servers do not look at that (Go's takes those
 * below 0x1000), and some skip what stands ahead of the hello (tlslite-ng's).
 */
export function isRecord([first = 0, major = 0]: Buffer): boolean {
  return first >= FIRST_RECORD_TYPE && first <= LAST_RECORD_TYPE && major < 0x10;
}

/**
 * Whether it is a record of a version that no other protocol is taken for, with a ClientHello in it, as far
 * as it goes: tlslite-ng's servers take any.
 */
function isOddRecord(octets: Buffer): boolean {
  return octets[0] === HANDSHAKE && (octets[MESSAGE_AT] ?? CLIENT_HELLO) === CLIENT_HELLO;
}

/** length:2 with its upper bit set, type:1 version:2, as far as it goes. */
function isSsl2([first = 0, , type = 1, major = 3, minor = 2]: Buffer): boolean {
  return first >= 0x80 && type === 1 && (major === 3 || (major === 0 && minor === 2));
}

function readText(stream: Buffer): Shown {
  if (stream.length >= PROXY_V2.length && hasAt(stream, 0, PROXY_V2))
    return refused("a header of the PROXY protocol");
  const text = stream.toString("latin1", 0, MAX_HEAD);
  const blanks = BLANKS.exec(text)?.[0].length ?? 0;
  if (BINARY.test(text.slice(blanks))) return OTHER;
  const end = text.indexOf("\n", blanks);
  if (end === -1) return readUnended(text.slice(blanks), text.length);
  const line = text.slice(blanks, end);
  if (line.startsWith("PROXY ")) return refused("a header of the PROXY protocol");
  if (!mayBeRequest(line) || (MEMCACHED_GET.test(line) && blanks === 0)) return OTHER;
  if (blanks > 0) return refused("blanks ahead of an HTTP request");
  if (line.startsWith("PRI ")) return refused("HTTP/2 without TLS");
  return readRequestHead(stream, 0);
}

/** Whether a line, or what a CR alone ends, is a request line for some server. */
function mayBeRequest(line: string): boolean {
  return isRequestLine(line) || (line.includes("\r") && isRequestLine(line.slice(0, line.indexOf("\r"))));
}

/**
 * A first line that has not ended: what reaches the server of it is no request yet, unless it takes a CR
 * alone for an end.
 */
function readUnended(line: string, octets: number): Shown {
  if (/\r./s.test(line) && isRequestLine(line.slice(0, line.indexOf("\r"))))
    return refused("a line of an HTTP head that ends without CR LF");
  if (octets < MAX_HEAD) return INCOMPLETE;
  return TEXT.test(line) ? refused("a first line of text longer than 16,384 octets") : OTHER;
}
