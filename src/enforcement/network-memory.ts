import { readLinks, readNetwork } from "../netfilter/io/namespace-network.ts";
import type { NetworkFacts } from "../netfilter/ruleset-input.ts";

export interface NetworkMemory {
  read(): NetworkFacts;
  /** Also where an interface has been replaced by one of the same name: the guard of the first may have gone with it. */
  hasChanged(): boolean;
}

/** The facts that the last ruleset was made from. */
export function createNetworkMemory(): NetworkMemory {
  let used = "";
  return {
    read() {
      const { facts, text } = readAll();
      used = text;
      return facts;
    },
    hasChanged: () => readAll().text !== used,
  };
}

/** The interfaces' numbers first: what changes in between is then seen as a change. */
function readAll(): { readonly facts: NetworkFacts; readonly text: string } {
  const links = readLinks();
  const facts = readNetwork();
  return { facts, text: JSON.stringify([links, facts]) };
}
