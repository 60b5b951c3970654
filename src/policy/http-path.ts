/**
 * Paths of requests as rules compare them: as octets, with every percent-encoding decoded once, so no
 * spelling of a path gets round a rule. A path that servers may read in two ways never comes here: the relay
 * refuses it, or asks for each reading.
 */
import { type Result, accepted, quote, refused } from "./problem.ts";

export interface PathPattern {
  /** Decoded, one character an octet; of a pattern with a final `*` the part before it. */
  readonly octets: string;
  /** The same in lower case. */
  readonly folded: string;
  /** Whether it matches everything that begins with it, at any depth, and the prefix itself. */
  readonly isPrefix: boolean;
  /** The canonical spelling. */
  readonly text: string;
}

const PATTERN_LENGTH_MAX = 1024;

/**
 * Reads a pattern: a path, or the beginning of one and a final `*`. It refuses a pattern that no request
 * could match, and one that servers may read in two ways.
 */
export function parsePathPattern(text: string): Result<PathPattern> {
  const isPrefix = text.endsWith("*");
  const path = isPrefix ? text.slice(0, -1) : text;
  const wrong = findWrong(text, path);
  if (wrong !== undefined) return refused(`${quote(text)} ${wrong}`);
  const octets = decodeOctets(Buffer.from(path, "utf8").toString("latin1"));
  return accepted({
    octets,
    folded: octets.toLowerCase(),
    isPrefix,
    text: `${encodeOctets(octets)}${isPrefix ? "*" : ""}`,
  });
}

function findWrong(text: string, path: string): string | undefined {
  if (text.length > PATTERN_LENGTH_MAX) return `is longer than ${PATTERN_LENGTH_MAX} characters`;
  if (!path.startsWith("/")) return "must begin with /: write a path, such as /repos/*";
  if (path.includes("*")) return "has a * that is not at its end: write %2A for the character";
  if (/[?#]/.test(path)) return "has a query or a fragment, which are no part of a path";
  // oxlint-disable-next-line no-control-regex -- controls are what is looked for
  if (/[\0-\x20\x7f]/.test(path)) return "has a blank or a control: write its percent-encoding";
  if (/%(?![\da-f]{2})/i.test(path)) return "has a % that encodes nothing";
  // oxlint-disable-next-line no-control-regex -- as above
  if (/\\|;|%(?:5c|3b|2f|25|[01][\da-f]|7f)|\/\//i.test(path))
    return "has what servers read in two ways (an empty segment, or one of \\ ; % / encoded): no such request passes";
  const segments = path.replaceAll(/%2e/gi, ".").split("/");
  if (segments.some((segment) => segment === "." || segment === ".."))
    return "has a dot segment: no such request passes";
  return undefined;
}

/** Every percent-encoding decoded once; a malformed one stays. */
function decodeOctets(path: string): string {
  if (!path.includes("%")) return path;
  return path.replaceAll(/%([\da-f]{2})/gi, (_all, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

function encodeOctets(octets: string): string {
  return octets.replaceAll(
    /[^!$&'()+,\-./:=@_~0-9A-Za-z]/g,
    (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}

/** A request's path, prepared once for all the patterns that it is compared with. */
export interface ReadPath {
  /** Decoded. */
  readonly octets: string;
  /** In lower case, without a slash at its end, and with one. */
  readonly bare: string;
  readonly slashed: string;
}

export function readPath(path: string): ReadPath {
  const octets = decodeOctets(path);
  const bare = withoutSlash(octets.toLowerCase());
  return { octets, bare, slashed: `${bare}/` };
}

/** Whether an allow's pattern matches the path as it is spelled. */
export function matchesPath({ octets, isPrefix }: PathPattern, path: ReadPath): boolean {
  return isPrefix ? path.octets.startsWith(octets) : path.octets === octets;
}

/**
 * Whether a deny's pattern matches it: in any letter case, with or without a slash at its end. Some servers
 * treat these as the same.
 */
export function matchesPathWidely({ folded, isPrefix }: PathPattern, path: ReadPath): boolean {
  return isPrefix ? path.slashed.startsWith(folded) : path.bare === withoutSlash(folded);
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, "");
}
