/** Heads as node:http2 takes them. */
import {
  type Http2Stream,
  type OutgoingHttpHeaders,
  sensitiveHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { Admission } from "../admit.ts";
import type { Field } from "../gate/field.ts";
import { type Framing, NO_BODY } from "../gate/framing.ts";
import type { GatedResponse } from "../gate/response.ts";

/**
 * What an array of names and values has beside: names that are never to be indexed (RFC 7541 section 7.1.3).
 */
type RawHeaders = readonly string[] & { readonly [sensitiveHeaders]: readonly string[] };

/**
 * Of sessions to both sides: a header that is there twice passes, as over HTTP/1.1. Node throws for some of
 * them otherwise, whoever has sent it.
 */
export const AS_THEY_CAME = { strictSingleValueFields: false } as const;

/** Closed by either side. Node may know its stream for a while yet, but throws for whatever is to go out. */
export function isGone({ destroyed, closed }: Http2Stream): boolean {
  return destroyed || closed;
}

/** Whether a head can go out: an interim one, or the response's. */
export function awaitsHead(client: ServerHttp2Stream): boolean {
  return !isGone(client) && !client.headersSent;
}

export function requestHeaders(
  { request, secretive }: Admission,
  {
    authority,
    scheme,
    framing,
  }: { readonly authority: string; readonly scheme: string; readonly framing: Framing },
): RawHeaders {
  const headers = [
    ":method",
    request.method,
    ":scheme",
    scheme,
    ":authority",
    authority,
    ":path",
    request.target,
  ];
  const sensitive: string[] = secretive.has(":path") ? [":path"] : [];
  for (const { name, key, value } of request.fields) {
    const lower = name.toLowerCase();
    headers.push(lower, value);
    if (secretive.has(key) || key === "authorization" || key === "cookie") sensitive.push(lower);
  }
  if (framing.kind === "length") headers.push("content-length", String(framing.octets));
  if (request.takesTrailers) headers.push("te", "trailers");
  if (request.expectsContinue) headers.push("expect", "100-continue");
  return Object.assign(headers, { [sensitiveHeaders]: sensitive });
}

export function responseHeaders(response: GatedResponse, framing: Framing): OutgoingHttpHeaders {
  const headers = fieldHeaders(response.fields);
  headers[":status"] = response.status;
  if (framing.kind === "length") headers["content-length"] = String(framing.octets);
  else if (framing === NO_BODY && response.toldLength !== undefined)
    headers["content-length"] = response.toldLength;
  return headers;
}

/** Values of a name that is there more than once are a list. */
export function fieldHeaders(fields: readonly Field[]): OutgoingHttpHeaders {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- an object without a prototype has no type of its own
  const headers = Object.create(null) as OutgoingHttpHeaders;
  for (const { name, value } of fields) {
    const lower = name.toLowerCase();
    const there = headers[lower];
    if (there === undefined) headers[lower] = value;
    else headers[lower] = [...(Array.isArray(there) ? there : [String(there)]), value];
  }
  return headers;
}
