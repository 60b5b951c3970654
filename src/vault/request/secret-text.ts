import { type Result, accepted, refused } from "../../policy/problem.ts";
import { Secret } from "../secret.ts";

/** Larger than any header that a server accepts. */
export const MOST_SECRET_OCTETS = 64 << 10;

/**
 * Controls except the tab, which end or break a header's line (RFC 9110 section 5.5), and characters that
 * UTF-8 cannot encode.
 */
// oxlint-disable-next-line no-control-regex -- they are what is refused
const FORBIDDEN = /[\0-\u0008\u000A-\u001F\u007F]|\p{Surrogate}/u;

/** A credential's value, kept as it is. A message about it holds no part of it. */
export function parseSecret(text: string): Result<Secret> {
  if (text === "") return refused("is empty");
  if (text.trim() === "") return refused("is blank");
  if (Buffer.byteLength(text) > MOST_SECRET_OCTETS)
    return refused(`has more than ${MOST_SECRET_OCTETS} octets`);
  if (/[\r\n]/.test(text)) return refused("holds a line break, which no credential may");
  if (FORBIDDEN.test(text))
    return refused("holds a control character or half a character, which no credential may");
  return accepted(new Secret(text));
}
