/**
 * Policies of any size: names, addresses (a quarter of them IPv4), or half and half; the bench's own zone is
 * allowed last.
 */
import { ALLOW_ZONE, type Rule } from "../subjects/sidecar.ts";

export type RuleKind = "names" | "addresses" | "mixed";

/** `count` rules in all. No two address rules are neighbours, so none can be joined with another. */
export function manyRules(kind: RuleKind, count: number): readonly Rule[] {
  const rules = Array.from({ length: count - 1 }, (_, index): Rule => {
    const isName = kind === "names" || (kind === "mixed" && index % 2 === 0);
    return {
      action: "allow",
      target: isName ? nthName(index) : nthAddress(index >> (kind === "mixed" ? 1 : 0)),
    };
  });
  return [...rules, ALLOW_ZONE];
}

function nthName(index: number): string {
  return index % 4 === 0 ? `*.w${index}.rules.example` : `n${index}.rules.example`;
}

/** From the ranges for benchmarks (RFC 2544) and for documentation (RFC 3849). */
function nthAddress(index: number): string {
  const even = index * 2;
  if (index % 4 === 0) return `198.${18 + ((even >>> 16) & 1)}.${(even >>> 8) & 0xff}.${even & 0xff}`;
  return `2001:db8:${(even >>> 16).toString(16)}:${(even & 0xffff).toString(16)}::/64`;
}
