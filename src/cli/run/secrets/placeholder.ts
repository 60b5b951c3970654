/**
 * What the command gets in a secret's place. It has the secret's length and shape, so programs that check a
 * token before they use it accept it; the rest is random.
 */
import { randomInt } from "node:crypto";

/** What tells kinds of tokens apart, and is no secret. The longest that fits counts. */
const PREFIXES: readonly RegExp[] = [
  /^gh[oprsu]_/,
  /^github_pat_/,
  /^gl[a-z]{2,8}-/,
  /^sk-(?:ant-)?(?:[a-z]+\d*-)?/,
  /^(?:AKIA|ASIA)/,
  /^xox[a-z]-/,
  /^npm_/,
  /^pypi-/,
  /^hf_/,
  /^AIza/,
  /^(?:sk|pk|rk)_(?:live|test)_/,
  /^dop_v1_/,
  /^SG\./,
  /^ey[\w-]*\.ey[\w-]*\./,
];

/** So many letters and digits are never drawn twice, and never stand anywhere by chance. */
const LEAST_RANDOM = 12;

const CLASSES: readonly (readonly [RegExp, string])[] = [
  [/[a-z]/, "abcdefghijklmnopqrstuvwxyz"],
  [/[A-Z]/, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
  [/\d/, "0123456789"],
];

/**
 * Another each time. Of a token of JSON (RFC 7519) the header and the claims stay, which programs read, and
 * the signature does not. A secret that is too short to be told apart from other text gets a longer
 * placeholder.
 */
export function drawPlaceholder(
  secret: string,
  below: (limit: number) => number = (limit) => randomInt(limit),
): string {
  const prefix = PREFIXES.map((pattern) => pattern.exec(secret)?.[0] ?? "").reduce(longer, "");
  const rest = secret.slice(prefix.length);
  if (countRandom(rest) >= LEAST_RANDOM) return prefix + redraw(rest, below);
  if (countRandom(secret) >= LEAST_RANDOM) return redraw(secret, below);
  return `egress-secret-${redraw("a".repeat(LEAST_RANDOM + 4), below)}`;
}

function longer(one: string, other: string): string {
  return other.length > one.length ? other : one;
}

function countRandom(text: string): number {
  return text.match(/[a-zA-Z0-9]/g)?.length ?? 0;
}

/** Letters and digits become others of their kind; what is not ASCII, a letter. */
function redraw(text: string, below: (limit: number) => number): string {
  return text.replaceAll(/[a-zA-Z0-9]|[^\x20-\x7e]/g, (char) => {
    const letters = CLASSES.find(([pattern]) => pattern.test(char))?.[1] ?? "x";
    return letters[below(letters.length)] ?? char;
  });
}
