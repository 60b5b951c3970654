import type { DomainName } from "../policy/domain-name.ts";
import type { Prefix } from "../policy/prefix.ts";
import type { Kind, Outcome } from "./decision-event.ts";

/** Which decisions are wanted; undefined asks for nothing. */
export interface DecisionFilter {
  readonly kind: Kind | undefined;
  readonly decisions: readonly Outcome[] | undefined;
  /** The name itself, or every name below `base`. */
  readonly name: { readonly exact: DomainName } | { readonly base: DomainName } | undefined;
  /** One of the addresses lies in it, or the first that was taken out of the answer. */
  readonly prefix: Prefix | undefined;
}

export const EVERYTHING: DecisionFilter = {
  kind: undefined,
  decisions: undefined,
  name: undefined,
  prefix: undefined,
};

/** Whether the address at `octets[at, at + length)` lies in the prefix. */
export function liesIn(prefix: Prefix, octets: Uint8Array, at: number, length: number): boolean {
  if (prefix.octets.length !== length) return false;
  const whole = prefix.length >> 3;
  for (let i = 0; i < whole; i++) if (octets[at + i] !== prefix.octets[i]) return false;
  const bits = prefix.length & 7;
  if (bits === 0) return true;
  const mask = (0xff << (8 - bits)) & 0xff;
  return ((octets[at + whole] ?? 0) & mask) === prefix.octets[whole];
}
