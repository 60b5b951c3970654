import { DEFAULT_DNS_CAPACITY, type DnsCapacity } from "../dns/capacity.ts";
import { MAX_LEARNED_ADDRESSES } from "../netfilter/chains/named-sets.ts";

/**
 * How much one sandbox may hold at once: what its memory is reserved by. Beyond it the least used makes room,
 * or is refused.
 */
export interface SandboxCapacity {
  /** Up to as many as the kernel's sets take: 340 octets each. */
  readonly learnedAddresses: number;
  readonly dns: DnsCapacity;
}

export const DEFAULT_CAPACITY: SandboxCapacity = {
  learnedAddresses: MAX_LEARNED_ADDRESSES,
  dns: DEFAULT_DNS_CAPACITY,
};
