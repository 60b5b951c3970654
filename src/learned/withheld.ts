/**
 * Addresses that no name may give out, unless an address rule allows them: the upstreams' own, and what the
 * network says at each read.
 */
import { createAddressSet } from "../tables/address-set.ts";

export interface WithheldAddresses {
  /** Of `octets[at, at + length)`. Costs one look-up, however many there are. */
  has(octets: Uint8Array, at: number, length: number): boolean;
  /** Octets of each. */
  list(): readonly Uint8Array[];
  /** Puts these in the place of those that the network said before. Whether there is a new one among them. */
  replace(found: readonly Uint8Array[]): boolean;
}

export function createWithheldAddresses(
  upstreams: readonly Uint8Array[],
  drawSeed: () => number,
): WithheldAddresses {
  let all = createAddressSet(upstreams, drawSeed());
  return {
    has: (octets, at, length) => all.has(octets, at, length),
    list: () => all.list(),
    replace(found) {
      const before = all;
      all = createAddressSet([...upstreams, ...found], drawSeed());
      return all.list().some((octets) => !before.has(octets, 0, octets.length));
    },
  };
}
