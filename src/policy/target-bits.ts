/**
 * Targets as strings of bits: a target matches exactly what begins with its bits. An address is its octets in
 * network order. A name is read from its end, and a zero octet closes it. So `example.org` is "gro.elpmaxe"
 * and the zero; `*.example.org` is "gro.elpmaxe.", with which every name below begins, and the name itself
 * does not. Every destination has no bit.
 */
import { DOT } from "./domain-name.ts";
import type { DomainName } from "./domain-name.ts";
import type { RuleTarget, Target } from "./target.ts";

export function countBits(target: RuleTarget): number {
  if (target.kind === "everywhere") return 0;
  return target.kind === "prefix" ? target.prefix.length : 8 * (textOf(target).length + 1);
}

/** The bit at this place, 0 or 1; there are `countBits` of them. */
export function bitOf(target: RuleTarget, bit: number): number {
  return (octetOf(target, bit >>> 3) >>> (7 - (bit & 7))) & 1;
}

/**
 * How many bits two targets share from the first one on, `limit` at most; neither may be shorter than that.
 * The caller knows that the bits before `from` are the same.
 */
export function countCommonBits(one: RuleTarget, other: RuleTarget, from: number, limit: number): number {
  for (let index = from >>> 3; 8 * index < limit; index += 1) {
    const difference = octetOf(one, index) ^ octetOf(other, index);
    if (difference !== 0) return Math.min(limit, 8 * index + Math.clz32(difference) - 24);
  }
  return limit;
}

/** The bit of a name that is looked up; bits past its end are zero. */
export function bitOfName(qname: DomainName, bit: number): number {
  const index = bit >>> 3;
  if (index >= qname.length) return 0;
  return (qname.charCodeAt(qname.length - 1 - index) >>> (7 - (bit & 7))) & 1;
}

/** The bit of `*.name`, with which every name below it begins. */
export function bitBelowName(qname: DomainName, bit: number): number {
  const index = bit >>> 3;
  return index === qname.length ? (DOT >>> (7 - (bit & 7))) & 1 : bitOfName(qname, bit);
}

/** Whether all that a target speaks of is below the name. */
export function isBelowName(target: RuleTarget, qname: DomainName): boolean {
  if (target.kind === "prefix" || target.kind === "everywhere") return false;
  if (target.kind === "wildcard" && target.base === qname) return true;
  const text = textOf(target);
  const dot = text.length - qname.length - 1;
  return dot > 0 && text.charCodeAt(dot) === DOT && text.endsWith(qname);
}

/** Whether a name begins with the target's bits. */
export function matchesName(target: RuleTarget, qname: DomainName): boolean {
  if (target.kind === "name") return target.name === qname;
  if (target.kind !== "wildcard") return target.kind === "everywhere";
  const dot = qname.length - target.base.length - 1;
  return dot > 0 && qname.charCodeAt(dot) === DOT && qname.endsWith(target.base);
}

/** Whether the octets from the offset on begin with the first `bits` bits of `wanted`. */
export function beginsWith(octets: Uint8Array, offset: number, wanted: Uint8Array, bits: number): boolean {
  const whole = bits >>> 3;
  for (let index = 0; index < whole; index += 1) {
    if (octets[offset + index] !== wanted[index]) return false;
  }
  const left = 8 - (bits & 7);
  return left === 8 || (octets[offset + whole] ?? 0) >>> left === (wanted[whole] ?? 0) >>> left;
}

function octetOf(target: RuleTarget, index: number): number {
  if (target.kind === "prefix") return target.prefix.octets[index] ?? 0;
  if (target.kind === "everywhere") return 0;
  const text = textOf(target);
  if (index < text.length) return text.charCodeAt(text.length - 1 - index);
  return target.kind === "name" ? 0 : DOT;
}

function textOf(target: Exclude<Target, { kind: "prefix" }>): string {
  return target.kind === "name" ? target.name : target.base;
}
