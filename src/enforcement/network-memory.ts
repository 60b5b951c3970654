import { readNetwork } from "../netfilter/io/namespace-network.ts";
import type { NetworkFacts } from "../netfilter/ruleset-input.ts";

/** The facts that the last ruleset was made from. */
export function createNetworkMemory(): { read: () => NetworkFacts; hasChanged: () => boolean } {
  let used = "";
  return {
    read() {
      const facts = readNetwork();
      used = JSON.stringify(facts);
      return facts;
    },
    hasChanged: () => JSON.stringify(readNetwork()) !== used,
  };
}
