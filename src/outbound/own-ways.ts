import type { Endpoint } from "../sys/socket-address.ts";

/** The addresses that only our own packets may reach, whatever the policy says. */
export interface OwnWays {
  /** Settles once the kernel lets our packets to all of them. Costs nothing when it does already. */
  open(endpoints: readonly Endpoint[]): Promise<void>;
}

/**
 * A host whose addresses change all the time keeps the last ones; 32 ways are two hosts of four addresses,
 * some times over.
 */
const MAX_WAYS = 32;

/**
 * Remembers what is open, in the order of use, and hands all of it to `enforce` when something is missing.
 * That loads the ruleset anew, so an address stays open a while after its host has left it: only we can go
 * there, and we only go where the host is now.
 */
export function createOwnWays(enforce: (all: readonly Endpoint[]) => Promise<void>): OwnWays {
  const inUse = new Map<string, Endpoint>();
  let opening: Promise<void> = Promise.resolve();
  return {
    open(endpoints) {
      const isMissing = endpoints.some((endpoint) => !inUse.has(keyOf(endpoint)));
      for (const endpoint of endpoints) {
        inUse.delete(keyOf(endpoint));
        inUse.set(keyOf(endpoint), endpoint);
      }
      for (const key of inUse.keys()) {
        if (inUse.size <= MAX_WAYS) break;
        inUse.delete(key);
      }
      if (isMissing) opening = enforce([...inUse.values()]);
      return opening;
    },
  };
}

function keyOf({ address, port }: Endpoint): string {
  return `${address} ${port}`;
}
