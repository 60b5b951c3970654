/**
 * Whether a line of text is a request line for some server, however lax: one with a version, or of HTTP/0.9.
 * Lines of other protocols may speak of HTTP, such as those of an access log that is sent over TCP.
 *
 * Servers know where the version stands by the blanks: in the third word, whatever follows it, or in the last
 * one. Those that look for it anywhere know the methods that they serve, which are letters. Servers that take
 * any octets for a method take a version in its own form alone.
 */

/** `line`: without its LF. Never takes more for a request than what speaks of HTTP, or gets something. */
export function isRequestLine(line: string): boolean {
  if (OLD_GET.test(line)) return true;
  if (!VERSION.test(line)) return false;
  const [method = ""] = line.split(BLANKS, 1);
  if (LETTERS.test(method)) return true;
  const words = [line.split(BLANKS), line.split(/[ \t]+/)].map((all) => all.filter((word) => word !== ""));
  return words.some((all) => {
    const others = all.slice(1);
    if (others.some((word) => WHOLE_VERSION.test(word))) return true;
    return TOKEN.test(method) && [all[2], others.at(-1)].some((word = "") => VERSION_FIRST.test(word));
  });
}

/** What servers are known to split a line by. */
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const BLANKS = /[\s\x1c-\x1f\x85]+/;
// oxlint-disable-next-line no-control-regex -- it is what is looked for
const OLD_GET = /^get[\s\x1c-\x1f\x85]/i;
const LETTERS = /^[a-z_-]+$/i;
/** RFC 9110 section 9.1. */
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/i;
const VERSION = /http\//i;
const VERSION_FIRST = /^http\//i;
const WHOLE_VERSION = /^http\/[\d.]*$/i;
