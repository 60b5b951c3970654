import type { NamespaceNetwork } from "../../netfilter/io/namespace-network.ts";

export interface NetworkMemoryPorts {
  /** Throws if they can't be read; then they are read again when they are next asked for. */
  readonly readNetwork: () => NamespaceNetwork;
  /** Whether they may have changed since this was asked last. */
  readonly hasNews: () => boolean;
  /** Called with all facts that are read, before anybody else. */
  readonly onRead: (network: NamespaceNetwork) => void;
}

export interface NetworkMemory {
  /** The facts of this instant; the very same value as long as nothing has been told of a change. */
  read(): NamespaceNetwork;
  /**
   * Also if an interface has been replaced by one of the same name: the guard of the first may have gone with
   * it.
   */
  hasChanged(): boolean;
}

/**
 * The facts of the network, read anew only after word of a change, and those that the last ruleset was made
 * from.
 */
export function createNetworkMemory({ readNetwork, hasNews, onRead }: NetworkMemoryPorts): NetworkMemory {
  let known: NamespaceNetwork | undefined;
  let used: NamespaceNetwork | undefined;

  /** Word is asked for first: what changes while the facts are read is then told the next time. */
  function current(): NamespaceNetwork {
    if (hasNews()) known = undefined;
    if (known === undefined) {
      known = readNetwork();
      onRead(known);
    }
    return known;
  }

  return {
    read: () => (used = current()),
    hasChanged() {
      const found = current();
      return found !== used && JSON.stringify(found) !== JSON.stringify(used);
    },
  };
}
