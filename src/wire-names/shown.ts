import type { DomainName } from "../policy/domain-name.ts";

/**
 * What the first octets of a client show; `end` is where the text that was judged ends, counted from the
 * first octet.
 */
export type Shown =
  /**
   * It may become one of the others. `name`: what a ClientHello shows so far, which no later octet takes
   * back.
   */
  | { readonly kind: "incomplete"; readonly name: DomainName | undefined }
  /** A whole ClientHello; without `name` it has no server name. */
  | { readonly kind: "tls"; readonly name: DomainName | undefined; readonly end: number }
  /** A whole head of an HTTP/1 request; without `name` it has no Host, or an address as Host. */
  | {
      readonly kind: "http";
      readonly name: DomainName | undefined;
      readonly end: number;
      readonly body: RequestBody;
    }
  /** Neither TLS nor HTTP. */
  | { readonly kind: "other" }
  /** It begins like TLS or HTTP, and servers may read it in different ways. */
  | { readonly kind: "refused"; readonly reason: string };

/**
 * What follows a request's head: this many octets, chunks, or another protocol once the server has agreed.
 */
export type RequestBody =
  | { readonly kind: "length"; readonly octets: number }
  | { readonly kind: "chunked" }
  | { readonly kind: "websocket" };

export type Refused = Extract<Shown, { kind: "refused" }>;

export const INCOMPLETE: Shown = { kind: "incomplete", name: undefined };

export function refused(reason: string): Refused {
  return { kind: "refused", reason };
}
