import { quote } from "./problem.ts";

/**
 * Common mistakes, the most telling first: how the text looks, what is wrong with it, and what to write
 * instead.
 */
const MISTAKES: readonly (readonly [looks: RegExp, reason: string])[] = [
  [/^$/, "is blank: write a name, *.name, an address or a prefix"],
  [
    /^\*\.?$/,
    "matches no name: write *.example.org for names below one, or use defaultAction for every other name",
  ],
  [/:\/\//, "is a URL: write its host name alone"],
  [/[\s,;]/, "has a blank or a separator inside: write one target for each rule"],
  [/^\[/, "has brackets: write the IPv6 address alone, and a port as the rule's ports: [443]"],
  [/%/, "has a zone or an escape: write the address or the name alone"],
  [/@/, "has a user part: write the host name alone"],
  [/^[^/:]+:[0-9]*$/, "has a port: write the target alone, and the port as the rule's ports: [443]"],
  [/^[^/:]+:[^:]*\//, "has a port or a path: write the host name alone"],
  [/:[^/]*$/, "is not an IPv6 address"],
  [/\//, "has a path or is not a prefix: write a host name alone, or address/length"],
  [
    /^\*[^.]|[^*]\*|^\*\.\*/,
    "has * in the wrong place: it stands only as the whole first label, as in *.example.org",
  ],
  [/^\.[^.]/, "begins with a dot: write *.example.org for the names below example.org"],
];

/** Why a text is no target, and the remedy; `undefined` if it is none of the usual mistakes. */
export function explainDeadTarget(written: string): string | undefined {
  const mistake = MISTAKES.find(([looks]) => looks.test(written));
  if (mistake === undefined) return undefined;
  return written === "" ? mistake[1] : `${quote(written)} ${mistake[1]}`;
}
