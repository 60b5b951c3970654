/** Chooses the small network that joins a run's namespace to the machine. */

/** Four addresses of a /30: the machine has the first host's, the namespace the second's. */
export interface Subnet {
  readonly cidr: string;
  readonly machine: string;
  readonly inside: string;
}

/** Private ranges that few use, then one that is meant for test networks (RFC 2544). */
const POOLS = ["10.213.0.0/16", "172.29.0.0/16", "192.168.213.0/24", "198.18.213.0/24"];

/**
 * A shorter route, such as a VPN's to all private ranges or to a half of everything, leaves room for a more
 * specific one.
 */
const SHORTEST_CONFLICT = 16;

/**
 * The first free /30, looking from a place that `seed` picks. `taken` holds IPv4 prefixes and addresses. If
 * the pools are full, one that only routes shorter than /16 cover; `undefined` if there is none either.
 */
export function chooseSubnet(taken: readonly string[], seed: number): Subnet | undefined {
  const ranges = taken.map(readRange);
  const conflicts = ranges.filter(({ length }) => length >= SHORTEST_CONFLICT);
  return findFree(ranges, seed) ?? findFree(conflicts, seed);
}

function findFree(ranges: readonly Range[], seed: number): Subnet | undefined {
  for (const pool of POOLS.map(readRange)) {
    const count = (pool.last - pool.first + 1) / 4;
    for (let step = 0; step < count; step++) {
      const first = pool.first + ((seed + step) % count) * 4;
      if (!ranges.some((range) => range.first <= first + 3 && first <= range.last)) return subnetAt(first);
    }
  }
  return undefined;
}

interface Range {
  readonly first: number;
  readonly last: number;
  readonly length: number;
}

function readRange(text: string): Range {
  const [address = "", length = "32"] = text.split("/");
  const number = address.split(".").reduce((sum, octet) => sum * 256 + Number(octet), 0);
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(number / size) * size;
  return { first, last: first + size - 1, length: Number(length) };
}

function subnetAt(first: number): Subnet {
  return { cidr: `${renderV4(first)}/30`, machine: renderV4(first + 1), inside: renderV4(first + 2) };
}

function renderV4(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}
