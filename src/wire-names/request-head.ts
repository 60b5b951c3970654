/**
 * The head of an HTTP/1 request, read as strictly as RFC 9112 lets a server be: what servers are known to
 * read in different ways is refused, since the one behind the address may take another Host out of it than we
 * do.
 *
 *     request-line   method SP target SP "HTTP/1." digit CRLF                section 3
 *     field-line     name ":" OWS value OWS CRLF                             section 5
 *
 * Not here: chunks and their trailers, and what a server answers.
 */
import type { DomainName } from "../policy/domain-name.ts";
import { readHostField } from "./host-text.ts";
import { INCOMPLETE, refused, type Refused, type RequestBody, type Shown } from "./shown.ts";

export const MAX_HEAD = 16_384;

const REQUEST_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e]+) HTTP\/1\.([01])$/;
const FIELD_LINE = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/;
/** What no line has: control characters except the tab. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const CONTROL = /[\0-\x08\x0a-\x1f\x7f]/;
const ABSOLUTE = /^http:\/\/([^/?#]+)(?:[/?]|$)/i;
const CONTENT_LENGTH = /^\d{1,15}$/;

/**
 * Reads what a client has sent from octet `from` on, where a request begins. The first wrong octet decides,
 * also in a head that is not complete.
 */
export function readRequestHead(stream: Buffer, from: number): Shown {
  const text = stream.toString("latin1", from, from + MAX_HEAD);
  const lines: string[] = [];
  let at = 0;
  for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", at)) {
    if (text[end - 1] !== "\r" || end - 1 < at)
      return refused("a line of an HTTP head that ends without CR LF");
    const line = text.slice(at, end - 1);
    at = end + 1;
    if (line === "") return readWhole(lines, from + at);
    const problem = judgeLine(line, lines.length === 0);
    if (problem !== undefined) return problem;
    lines.push(line);
  }
  // A CR that is the last octet may be half of a line's end.
  if (CONTROL.test(text.slice(at).replace(/\r$/, ""))) return refused("a control character in an HTTP head");
  return text.length >= MAX_HEAD ? refused("an HTTP head longer than 16,384 octets") : INCOMPLETE;
}

function judgeLine(line: string, isFirst: boolean): Refused | undefined {
  if (CONTROL.test(line)) return refused("a control character in an HTTP head");
  if (isFirst) return REQUEST_LINE.test(line) ? undefined : refused("an HTTP request line of an odd form");
  return FIELD_LINE.test(line) ? undefined : refused("an HTTP field line of an odd form");
}

type Fields = ReadonlyMap<string, readonly string[]>;

function readWhole([requestLine = "", ...fieldLines]: readonly string[], end: number): Shown {
  const [, method = "", target = "", minor = ""] = REQUEST_LINE.exec(requestLine) ?? [];
  const fields = gatherFields(fieldLines);
  const host = judgeHost(fields.get("host") ?? [], { method, target, minor });
  if (host.kind === "refused") return host;
  const body = judgeBody(fields, minor);
  return body.kind === "refused" ? body : { kind: "http", name: host.name, end, body };
}

/** Names in lower case. */
function gatherFields(lines: readonly string[]): Fields {
  const fields = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = "", value = ""] = FIELD_LINE.exec(line) ?? [];
    const key = name.toLowerCase();
    const values = fields.get(key) ?? [];
    values.push(value.replace(/[ \t]+$/, ""));
    fields.set(key, values);
  }
  return fields;
}

interface RequestLine {
  readonly method: string;
  readonly target: string;
  readonly minor: string;
}

type HostShown = { readonly kind: "host"; readonly name: DomainName | undefined };

/**
 * Exactly one, and the same as that of an absolute target (RFC 9112 sections 3.2 and 3.2.2). HTTP/1.0 may
 * have none.
 */
function judgeHost(hosts: readonly string[], { method, target, minor }: RequestLine): HostShown | Refused {
  if (method === "CONNECT") return refused(describeConnect(target));
  if (hosts.length > 1) return refused("two Host fields");
  const [value] = hosts;
  const authority = ABSOLUTE.exec(target)?.[1];
  if (authority !== undefined && authority.toLowerCase() !== value?.toLowerCase())
    return refused("a request target and a Host that differ");
  const isKnownForm =
    authority !== undefined || target.startsWith("/") || (target === "*" && method === "OPTIONS");
  if (!isKnownForm) return refused("a request target of an odd form");
  if (value === undefined)
    return minor === "0" ? { kind: "host", name: undefined } : refused("an HTTP/1.1 request without Host");
  const host = readHostField(value);
  if (host.kind === "odd") return refused("a Host that is none");
  return { kind: "host", name: host.kind === "name" ? host.name : undefined };
}

/** What follows is the proxy's. It tells where to, if that is no longer than a name, and what to do. */
function describeConnect(target: string): string {
  const place = /^[\w.:[\]-]{1,259}$/.test(target) ? ` ${target}` : "";
  return `a request to a proxy (CONNECT${place}): allow the proxy's address and port`;
}

/** It must be beyond doubt where the next request begins (RFC 9112 section 6). */
function judgeBody(fields: Fields, minor: string): RequestBody | Refused {
  const lengths = fields.get("content-length") ?? [];
  const codings = fields.get("transfer-encoding") ?? [];
  const upgrades = fields.get("upgrade") ?? [];
  if (lengths.length + codings.length > 1) return refused("an HTTP body whose length is given twice");
  if (upgrades.length > 0) {
    // A server that switches at once would take the body for the other protocol.
    if (lengths.length + codings.length > 0) return refused("an upgrade with a body");
    if (isOnly(upgrades, "websocket")) return { kind: "websocket" };
    // Java's client asks for it wherever it can. A server that agrees waits for HTTP/2, which is refused.
    if (isOnly(upgrades, "h2c")) return { kind: "length", octets: 0 };
    return refused("an upgrade to something else than WebSocket");
  }
  if (codings.length > 0) {
    return isOnly(codings, "chunked") && minor === "1"
      ? { kind: "chunked" }
      : refused("a transfer coding other than chunked");
  }
  const [length = "0"] = lengths;
  return CONTENT_LENGTH.test(length)
    ? { kind: "length", octets: Number(length) }
    : refused("a Content-Length of an odd form");
}

function isOnly(values: readonly string[], wanted: string): boolean {
  return values.length === 1 && values[0]?.toLowerCase() === wanted;
}
