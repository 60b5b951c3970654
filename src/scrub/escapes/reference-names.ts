/**
 * HTML's names of ASCII's characters. A few are read without their semicolon, too. The two dashes are not
 * ASCII's, but look like it.
 */
const NAMES: readonly (readonly [char: string, names: string])[] = [
  ["\t", "Tab;"],
  ["\n", "NewLine;"],
  ["!", "excl;"],
  ['"', "quot quot; QUOT QUOT;"],
  ["#", "num;"],
  ["$", "dollar;"],
  ["%", "percnt;"],
  ["&", "amp amp; AMP AMP;"],
  ["'", "apos;"],
  ["(", "lpar;"],
  [")", "rpar;"],
  ["*", "ast; midast;"],
  ["+", "plus;"],
  [",", "comma;"],
  ["-", "hyphen; dash;"],
  [".", "period;"],
  ["/", "sol;"],
  [":", "colon;"],
  [";", "semi;"],
  ["<", "lt lt; LT LT;"],
  ["=", "equals;"],
  [">", "gt gt; GT GT;"],
  ["?", "quest;"],
  ["@", "commat;"],
  ["[", "lsqb; lbrack;"],
  ["\\", "bsol;"],
  ["]", "rsqb; rbrack;"],
  ["^", "Hat;"],
  ["_", "lowbar; UnderBar;"],
  ["`", "grave; DiacriticalGrave;"],
  ["{", "lcub; lbrace;"],
  ["|", "vert; verbar; VerticalLine;"],
  ["}", "rcub; rbrace;"],
];

/** The beginnings of names are numbers; this is the empty one. */
export const NO_NAME = 0;

const ALL = NAMES.flatMap(([char, names]) => names.split(" ").map((name) => [name, char] as const));
const BEGINNINGS = [
  ...new Set(["", ...ALL.flatMap(([name]) => Array.from(name, (_letter, at) => name.slice(0, at + 1)))]),
];
const LETTERS = 128;

const NEXT = new Int16Array(BEGINNINGS.length * LETTERS).fill(-1);
for (const [number, text] of BEGINNINGS.entries()) {
  const before = BEGINNINGS.indexOf(text.slice(0, -1));
  if (text !== "") NEXT[before * LETTERS + text.charCodeAt(text.length - 1)] = number;
}

const named = new Map(ALL);
const OCTETS = Uint8Array.from(BEGINNINGS, (text) => named.get(text)?.charCodeAt(0) ?? 0);

/** The beginning that is longer by this octet; below 0 if no name begins so. */
export function longerName(beginning: number, octet: number): number {
  return octet < LETTERS ? (NEXT[beginning * LETTERS + octet] ?? -1) : -1;
}

/** 0 if it is none, or wants its semicolon. */
export function namedOctet(name: number): number {
  return OCTETS[name] ?? 0;
}

export function beginsName(octet: number): boolean {
  return longerName(NO_NAME, octet) >= 0;
}
