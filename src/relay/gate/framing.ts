import type { Field } from "./field.ts";
import { refuse, type Refusal } from "./refusal.ts";

/** Where a body ends (RFC 9112 section 6.3). */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly octets: number }
  | { readonly kind: "chunked" }
  /** Only for a response: to the connection's end. */
  | { readonly kind: "until-close" };

export const NO_BODY: Framing = { kind: "none" };
const EMPTY: Framing = { kind: "length", octets: 0 };
export const CHUNKED: Framing = { kind: "chunked" };
export const UNTIL_CLOSE: Framing = { kind: "until-close" };

/** There is none, or it is said to be empty. */
export function isBodiless(framing: Framing): boolean {
  return framing.kind === "none" || (framing.kind === "length" && framing.octets === 0);
}

/** Methods by which nobody expects a body (RFC 9110 section 9.3). */
const WITHOUT_BODY: ReadonlySet<string> = new Set(["GET", "HEAD", "DELETE", "OPTIONS"]);

/**
 * Of a request of HTTP/2 that goes on over HTTP/1.1. There a method that may have a body says that it has
 * none (RFC 9110 section 8.6): origins refuse it with 411 otherwise.
 */
export function framingOverH1(method: string, framing: Framing): Framing {
  return framing.kind === "none" && !WITHOUT_BODY.has(method) ? EMPTY : framing;
}

/** What the two fields say that frame a body. `undefined` if neither is there. */
export interface FramingFields {
  readonly length: string | undefined;
  readonly coding: string | undefined;
}

/**
 * One length or one transfer coding, which is `chunked` alone, never both. Even two that agree are refused:
 * the next hop may read another one than we do.
 */
export function readFraming({ length, coding }: FramingFields): Framing | undefined | Refusal {
  if (coding !== undefined) {
    if (length !== undefined) return refuse(400, "Content-Length beside Transfer-Encoding");
    return coding.toLowerCase() === "chunked"
      ? CHUNKED
      : refuse(501, "a Transfer-Encoding other than chunked");
  }
  return length === undefined ? undefined : readLength(length);
}

function readLength(text: string): Framing | Refusal {
  // Sixteen digits may pass what a number holds exactly.
  if (!/^\d{1,15}$/.test(text)) return refuse(400, "a Content-Length that is no number");
  return { kind: "length", octets: Number(text) };
}

/** Both fields; or a refusal if one is there twice, or is one only to servers that fold names. */
export function findFramingFields(fields: readonly Field[]): FramingFields | Refusal {
  let length: string | undefined;
  let coding: string | undefined;
  for (const { name, key, value } of fields) {
    if (key !== "content-length" && key !== "transfer-encoding") continue;
    if (name.includes("_")) return refuse(400, `a header field "${name}"`);
    const isLength = key === "content-length";
    if ((isLength ? length : coding) !== undefined) return refuse(400, `more than one ${key}`);
    if (isLength) length = value;
    else coding = value;
  }
  return { length, coding };
}
