/**
 * Whether two servers could read a path differently. Dot segments (encoded, or with parameters), backslashes,
 * encoded encodings and malformed escapes make it ambiguous. An encoded slash or an empty segment alone does
 * not: `otherReadings` lists what such a path may be read as.
 */
export function isAmbiguousPath(path: string): boolean {
  if (path.startsWith("//")) return true;
  if (!/[%\\]|\/\./.test(path)) return false;
  if (/%(?![\da-f]{2})/i.test(path)) return true;
  // An escape whose own octets are escaped.
  const plain = plainOf(path);
  if (/\\|%5c/i.test(plain)) return true;
  // An escaped `%`; overlong UTF-8, which old decoders read as ASCII; controls.
  if (/%25(?=[\da-f]{2}|u)|%c[01]|%e0%[89]|%f0%8|%[01][\da-f]|%7f/i.test(plain)) return true;
  const once = plain.replaceAll(/%2f/gi, "/").replaceAll(/%3b/gi, ";");
  return once.split("/").some((segment) => /^\.{1,2}(?:;|$)/.test(segment));
}

/**
 * The other readings that an origin may give to a path that is not ambiguous; the path itself is left out. A
 * decision must be the same for all of them.
 */
export function otherReadings(path: string): readonly string[] {
  if (!/%|\/\/|;/.test(path)) return [];
  const plain = plainOf(path);
  const decoded = plain.replaceAll(/%2f/gi, "/");
  const merged = mergeSlashes(decoded);
  const bare = merged.replaceAll(/(?:;|%3b)[^/]*/gi, "");
  const readings = [plain, decoded, merged, bare, mergeSlashes(bare)];
  return [...new Set(readings)].filter((reading) => reading !== path);
}

function mergeSlashes(path: string): string {
  return path.replaceAll(/\/{2,}/g, "/");
}

/** Without the escapes that every server decodes. */
function plainOf(path: string): string {
  return path.replaceAll(UNRESERVED, (escape) => String.fromCharCode(Number.parseInt(escape.slice(1), 16)));
}

/** Letters, digits and `-._~`, which stand for themselves (RFC 3986 section 6.2.2.2). */
const UNRESERVED = /%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)/gi;
