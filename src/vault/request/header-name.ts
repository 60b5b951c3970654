import { type Result, accepted, quote, refused } from "../../policy/problem.ts";

/** Fields of framing, routing and connections: they are ours or the client's, and never hold a credential. */
const REFUSED: ReadonlySet<string> = new Set([
  "host",
  "content-length",
  "content-type",
  "transfer-encoding",
  "connection",
  "keep-alive",
  "upgrade",
  "http2-settings",
  "te",
  "trailer",
  "expect",
  "via",
  "forwarded",
]);

/**
 * A header that a credential may go into, in canonical form: `PRIVATE-TOKEN` is `Private-Token` (RFC 9110
 * section 5.1).
 */
export function parseHeaderName(text: string): Result<string> {
  const name = text.trim();
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/.test(name)) return refused(`${quote(name)} is no header name`);
  const lower = name.toLowerCase();
  // CGI-like servers cannot tell these apart.
  const folded = lower.replaceAll("_", "-");
  if (REFUSED.has(folded) || /^(?:proxy-|x-forwarded-)/.test(folded))
    return refused(`${quote(name)} is a header that no credential may be put into`);
  return accepted(lower.replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase()));
}
