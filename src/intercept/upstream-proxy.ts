/** What we say to an upstream proxy, and what its answer means (RFC 9110 section 9.3.6). Pure. */
import type { UpstreamTarget } from "./flow-identity.ts";

/** Octets of all answers together, the last head included. */
export const MAX_PROXY_ANSWER_OCTETS = 65_536;

/** An operator's; no part of the sandbox ever sees the authorization. */
export interface UpstreamProxy {
  /** Whether we speak to it over TLS. */
  readonly isSecure: boolean;
  /** A name, or an address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** The whole value of Proxy-Authorization. */
  readonly authorization: string | undefined;
}

export type ProxyAnswer =
  | { readonly kind: "incomplete" }
  /** What follows from `end` on comes from the host. */
  | { readonly kind: "open"; readonly end: number }
  | { readonly kind: "refused"; readonly status: number }
  | { readonly kind: "strange"; readonly reason: string };

/** `host:port` of the target: by its name, or by its address if it has shown none. */
export function authorityOf({ name, destination }: UpstreamTarget): string {
  return joinPort(name ?? destination.address, destination.port);
}

/** With an IPv6 address in brackets (RFC 3986 section 3.2.2). */
export function joinPort(host: string, port: number): string {
  return `${host.includes(":") ? `[${host}]` : host}:${port}`;
}

export function writeConnect(target: UpstreamTarget, { authorization }: UpstreamProxy): string {
  const authority = authorityOf(target);
  const credentials = authorization === undefined ? "" : `Proxy-Authorization: ${authorization}\r\n`;
  return `CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\n${credentials}\r\n`;
}

const STATUS_LINE = /^HTTP\/1\.\d ([1-5]\d\d)(?:[ \r]|$)/;
const BEGINNING = "HTTP/1.";

/** Reads all that the proxy has sent so far. It skips interim answers; the last one counts. */
export function readProxyAnswer(octets: Buffer): ProxyAnswer {
  for (let at = 0; ;) {
    const head = octets.toString("latin1", at, MAX_PROXY_ANSWER_OCTETS);
    const shown = head.slice(0, BEGINNING.length);
    if (!BEGINNING.startsWith(shown))
      return { kind: "strange", reason: "it does not answer as a proxy does" };
    const end = /\r?\n\r?\n/.exec(head);
    if (end === null) {
      const isTooLong = octets.length >= MAX_PROXY_ANSWER_OCTETS;
      return isTooLong ? { kind: "strange", reason: "its answer is too long" } : { kind: "incomplete" };
    }
    const [, digits] = STATUS_LINE.exec(head.slice(0, head.indexOf("\n"))) ?? [];
    if (digits === undefined) return { kind: "strange", reason: "it does not answer as a proxy does" };
    const status = Number(digits);
    at += end.index + end[0].length;
    if (status === 101) return { kind: "strange", reason: "it changes the protocol" };
    if (status >= 300) return { kind: "refused", status };
    // A length, or a transfer coding, says nothing of what follows: that is the host's.
    if (status >= 200) return { kind: "open", end: at };
  }
}

/** Whether it does not accept our credentials; some proxies say 401 instead of 407. */
export function wantsCredentials(status: number): boolean {
  return status === 407 || status === 401;
}

/**
 * Why it does not lead there, in words for the client and the log; they never hold what the proxy wrote
 * itself.
 */
export function describeRefusal(status: number, target: UpstreamTarget): string {
  const where = authorityOf(target);
  if (wantsCredentials(status)) {
    return `the upstream proxy wants other credentials (${status}): OPENSANDBOX_EGRESS_UPSTREAM_PROXY_AUTH`;
  }
  if (status >= 500) return `the upstream proxy could not connect to ${where} (${status})`;
  return `the upstream proxy refuses to connect to ${where} (${status})`;
}
