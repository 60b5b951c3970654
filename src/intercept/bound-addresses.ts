/**
 * Which addresses our resolver gave for bound names, and the kernel's sets of them. Both are kept in step: a
 * client that gets an address from us goes to the interceptor when it connects there.
 *
 * An address stays as long as it is in force as a learned one, and a name while it is bound. Bounded: the
 * address that was given longest ago goes first. A client that still uses it is refused until it asks for the
 * name again.
 */
import type { BoundSet } from "../netfilter/bound-set.ts";
import type { DomainName } from "../policy/domain-name.ts";
import { octetKey } from "../tables/octet-key.ts";

const MAX_ADDRESSES = 16_384;
const MAX_NAMES = 64;

export interface BoundAddresses {
  /**
   * Queues the address at `octets[at, at + length)` of a bound name for the next `commit`. Returns whether no
   * bound name had it.
   */
  give(qname: DomainName, octets: Uint8Array, at: number, length: number): boolean;
  /**
   * Puts what is queued in force. Throws KernelError: the address is written again when it is given again.
   */
  commit(): void;
  /** Whether we gave the address for the name. */
  wasGiven(octets: Uint8Array, qname: DomainName): boolean;
  /** Whether we gave it for any bound name. */
  holds(octets: Uint8Array): boolean;
  /** Queues the removal of names that are no longer bound, and of addresses that are not in force. */
  keepOnly(isBound: (qname: DomainName) => boolean, isInForce: (octets: Uint8Array) => boolean): void;
  /** The kernel's sets may hold anything: queues all that they should hold. */
  rewrite(): void;
  list(): readonly Uint8Array[];
  size(): number;
}

interface Entry {
  readonly octets: Uint8Array;
  /** The one given longest ago first. */
  readonly names: Set<DomainName>;
}

export function createBoundAddresses(set: BoundSet): BoundAddresses {
  /** By their octets, the one given longest ago first. */
  const entries = new Map<string, Entry>();
  /** What the next commit changes. */
  const touched = new Set<string>();

  function remove(key: string, { octets }: Entry): void {
    entries.delete(key);
    touched.add(key);
    set.remove(octets);
  }
  function makeRoom(): void {
    for (const [key, entry] of entries) {
      if (entries.size < MAX_ADDRESSES) return;
      remove(key, entry);
    }
  }
  function add(key: string, octets: Uint8Array): Entry {
    makeRoom();
    const entry = { octets, names: new Set<DomainName>() };
    touched.add(key);
    set.add(octets);
    return entry;
  }

  return {
    give(qname, octets, at, length) {
      const key = octetKey(octets, at, length);
      const known = entries.get(key);
      const entry = known ?? add(key, Uint8Array.from(octets.subarray(at, at + length)));
      entries.delete(key);
      entries.set(key, entry);
      putLast(entry.names, qname);
      return known === undefined;
    },
    commit() {
      try {
        set.commit();
      } catch (error) {
        // Nobody knows whether the kernel has them: they are written again, or taken out with all others.
        for (const key of touched) entries.delete(key);
        throw error;
      } finally {
        touched.clear();
      }
    },
    wasGiven: (octets, qname) => entries.get(octetKey(octets, 0, octets.length))?.names.has(qname) === true,
    holds: (octets) => entries.has(octetKey(octets, 0, octets.length)),
    keepOnly(isBound, isInForce) {
      for (const [key, entry] of entries) {
        for (const name of entry.names) if (!isBound(name)) entry.names.delete(name);
        if (entry.names.size === 0 || !isInForce(entry.octets)) remove(key, entry);
      }
    },
    rewrite() {
      set.clear();
      for (const { octets } of entries.values()) set.add(octets);
    },
    list: () => Array.from(entries.values(), ({ octets }) => octets),
    size: () => entries.size,
  };
}

function putLast(names: Set<DomainName>, qname: DomainName): void {
  names.delete(qname);
  names.add(qname);
  const [first] = names;
  if (names.size > MAX_NAMES && first !== undefined) names.delete(first);
}
