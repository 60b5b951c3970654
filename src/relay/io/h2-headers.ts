/** Heads as node:http2 takes them. */
import { type OutgoingHttpHeaders, sensitiveHeaders } from "node:http2";
import type { Admission } from "../admit.ts";
import type { Field } from "../gate/field.ts";
import { type Framing, NO_BODY } from "../gate/framing.ts";
import type { GatedResponse } from "../gate/response.ts";

/**
 * What an array of names and values has beside: names that are never to be indexed (RFC 7541 section 7.1.3).
 */
type RawHeaders = readonly string[] & { readonly [sensitiveHeaders]: readonly string[] };

export function requestHeaders(
  { request, injected }: Admission,
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
  const sensitive: string[] = [];
  for (const { name, key, value } of request.fields) {
    const lower = name.toLowerCase();
    headers.push(lower, value);
    if (injected.has(key) || key === "authorization" || key === "cookie") sensitive.push(lower);
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
