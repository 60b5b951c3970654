/** Addresses that no name may give out, unless an address rule allows them: the upstreams' own, and what the network says at each read. */
import { octetKey } from "./octet-key.ts";

export interface WithheldAddresses {
  /** Of `octets[at, at + length)`. Costs one look-up, however many there are. */
  has(octets: Uint8Array, at: number, length: number): boolean;
  /** Octets of each. */
  list(): readonly Uint8Array[];
  /** Puts these in the place of those that the network said before. Whether there is a new one among them. */
  replace(found: readonly Uint8Array[]): boolean;
}

export function createWithheldAddresses(upstreams: readonly Uint8Array[]): WithheldAddresses {
  let all = byKey(upstreams);
  return {
    has: (octets, at, length) => all.size > 0 && all.has(octetKey(octets, at, length)),
    list: () => [...all.values()],
    replace(found) {
      const before = all;
      all = byKey([...upstreams, ...found]);
      return [...all.keys()].some((key) => !before.has(key));
    },
  };
}

function byKey(addresses: readonly Uint8Array[]): ReadonlyMap<string, Uint8Array> {
  return new Map(addresses.map((octets) => [octetKey(octets, 0, octets.length), octets]));
}
