import { type NamespaceNetwork, readLinks, readNetwork } from "../netfilter/io/namespace-network.ts";

export interface NetworkMemory {
  read(): NamespaceNetwork;
  /** Also where an interface has been replaced by one of the same name: the guard of the first may have gone with it. */
  hasChanged(): boolean;
}

/** The facts that the last ruleset was made from. `onRead` hears of all that are read, before anybody else. */
export function createNetworkMemory(onRead: (network: NamespaceNetwork) => void): NetworkMemory {
  let used = "";

  /** The interfaces' numbers first: what changes in between is then seen as a change. */
  function readAll(): { readonly facts: NamespaceNetwork; readonly text: string } {
    const links = readLinks();
    const facts = readNetwork();
    onRead(facts);
    return { facts, text: JSON.stringify([links, facts]) };
  }

  return {
    read() {
      const { facts, text } = readAll();
      used = text;
      return facts;
    },
    hasChanged: () => readAll().text !== used,
  };
}
