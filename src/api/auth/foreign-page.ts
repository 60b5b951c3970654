/**
 * Pages that are none of ours, in a browser that reaches the API. A browser sends what such a page asks for,
 * with whatever lets the browser's own machine in. A page can't send a token or a signature that it does not
 * know; where none is asked for, two signs tell it:
 *
 *     another site    its origin (RFC 6454 section 7), or Sec-Fetch-Site (W3C Fetch Metadata)
 *     a rebound name  the page's own name leads to us now, so to the browser the page is ours;
 *                     the Host header still has that name (RFC 9110 section 7.2)
 *
 * Programs may call us by whatever name they know us by.
 *
 * Known limit: a name that nobody can buy, such as that of a container, is taken for ours, no matter who
 * answers for it on the browser's own network.
 */
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Refusal } from "../refusal.ts";
import { unauthorized } from "./unauthorized.ts";

/** For a call that is let in by its place alone; undefined if no page made it, or one of ours. */
export function refuseForeignPage({ headers }: Pick<IncomingMessage, "headers">): Refusal | undefined {
  const { origin, host = "", "sec-fetch-site": site } = headers;
  if (origin !== undefined && !OWN_SCHEMES.some((scheme) => origin === `${scheme}://${host}`)) {
    return FOREIGN_PAGE;
  }
  if (site === "cross-site" || site === "same-site") return FOREIGN_PAGE;
  return isBrowser(headers) && !isOwnName(host) ? REBOUND : undefined;
}

/** A proxy before us may speak TLS. */
const OWN_SCHEMES = ["http", "https"] as const;

/**
 * Whether a browser may have sent it. Not all of them tell origin or site of a plain GET, and a page may
 * change what else they say of themselves, but can't take `Accept-Language` away. Of programs Node's fetch
 * has that too, with a header that no page can add and browsers send with the site alone.
 */
function isBrowser(headers: IncomingHttpHeaders): boolean {
  const { origin, "user-agent": agent = "", "sec-fetch-site": site, "sec-fetch-mode": mode } = headers;
  if (origin !== undefined || site !== undefined || agent.startsWith("Mozilla/")) return true;
  return headers["accept-language"] !== undefined && mode === undefined;
}

/**
 * An address, or a name that nobody can buy: of one label, or below what is kept for private use (RFC 6761,
 * RFC 6762, RFC 8375, ICANN's `internal`).
 */
function isOwnName(host: string): boolean {
  const [, bracketed, plain = ""] = /^(?:\[([^\]]*)\]|([^:]*))(?::\d*)?$/.exec(host) ?? [];
  const name = (bracketed ?? plain).toLowerCase().replace(/\.$/, "");
  if (isIP(name) !== 0) return true;
  if (bracketed !== undefined || name === "") return false;
  return !name.includes(".") || PRIVATE_NAMES.some((end) => name.endsWith(end));
}

const PRIVATE_NAMES = [".localhost", ".internal", ".local", ".test", ".home.arpa", ".svc"] as const;

const FOREIGN_PAGE = unauthorized(
  "a page of another site had a browser make this call, and nothing proves who wants it: call the API by its own page, or with the token",
);

const REBOUND = unauthorized(
  "a browser calls the API by a name, which its owner may have pointed here for a page of his: call it by its address, or set OPENSANDBOX_EGRESS_TOKEN and send it",
);
