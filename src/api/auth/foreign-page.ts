/**
 * Pages of other sites, in a browser that reaches the API. A browser sends what such a page wants changed, with whatever lets the browser's own
 * machine in, and tells the page's origin (RFC 6454 section 7). A page can't send a token or a signature that it does not know.
 */
import type { IncomingMessage } from "node:http";
import type { Refusal } from "../refusal.ts";
import { unauthorized } from "./unauthorized.ts";

/** For a change that is let in by its place alone; undefined where no page made it, or one of ours. */
export function refuseForeignPage({ headers }: IncomingMessage): Refusal | undefined {
  const { origin, host } = headers;
  if (origin === undefined || OWN_SCHEMES.some((scheme) => origin === `${scheme}://${host}`))
    return undefined;
  return FOREIGN_PAGE;
}

/** A proxy before us may speak TLS. */
const OWN_SCHEMES = ["http", "https"] as const;

const FOREIGN_PAGE = unauthorized(
  "a page of another site had a browser make this change, and nothing proves who wants it: call the API by its own page, or with the token",
);
