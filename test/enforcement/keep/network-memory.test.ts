import { expect, test } from "vitest";
import { createNetworkMemory } from "../../../src/enforcement/keep/network-memory.ts";
import type { NamespaceNetwork } from "../../../src/netfilter/io/namespace-network.ts";

/** A network that anybody may change, with or without word of it; `reads` has what was read. */
function createBench() {
  const network = {
    index: 2,
    addresses: ["192.0.2.2"],
    isNews: true,
    failure: undefined as Error | undefined,
  };
  const reads: NamespaceNetwork[] = [];
  const memory = createNetworkMemory({
    readNetwork() {
      if (network.failure) throw network.failure;
      return {
        links: [{ index: network.index, name: "eth0" }],
        interfaces: ["eth0"],
        onLinkV4: ["192.0.2.0/24"],
        onLinkV6: [],
        ipv6: false,
        withheld: [...network.addresses],
      };
    },
    hasNews() {
      const { isNews } = network;
      network.isNews = false;
      return isNews;
    },
    onRead: (read) => reads.push(read),
  });
  function change(address: string): void {
    network.addresses.push(address);
    network.isNews = true;
  }
  return { network, memory, reads, change };
}

test("facts are read once, and again after word of a change", () => {
  const { memory, reads, change } = createBench();
  const first = memory.read();
  expect(memory.read()).toBe(first);
  expect(reads).toEqual([first]);

  change("192.0.2.3");
  expect(memory.read().withheld).toEqual(["192.0.2.2", "192.0.2.3"]);
  expect(reads).toHaveLength(2);
});

test("a change counts until a ruleset has been made from it", () => {
  const { memory, change } = createBench();
  expect(memory.hasChanged()).toBe(true);
  memory.read();
  expect(memory.hasChanged()).toBe(false);

  change("192.0.2.3");
  expect(memory.hasChanged()).toBe(true);
  expect(memory.hasChanged()).toBe(true);
  memory.read();
  expect(memory.hasChanged()).toBe(false);
});

test("word of a change that has left everything as it was is none", () => {
  const { network, memory, reads } = createBench();
  memory.read();
  network.isNews = true;
  expect(memory.hasChanged()).toBe(false);
  expect(reads).toHaveLength(2);
});

test("an interface in the place of another one of the same name is a change", () => {
  const { network, memory } = createBench();
  memory.read();
  network.index = 3;
  network.isNews = true;
  expect(memory.hasChanged()).toBe(true);
});

test("facts that could not be read are read the next time, though nothing is told of them again", () => {
  const { network, memory, change } = createBench();
  memory.read();
  change("192.0.2.3");
  network.failure = new Error("no room");
  expect(() => memory.read()).toThrow("no room");
  network.failure = undefined;
  expect(memory.read().withheld).toContain("192.0.2.3");
});

test("what changes while facts are read is told the next time", () => {
  const { network, memory } = createBench();
  const { addresses } = network;
  let isFirst = true;
  Object.defineProperty(network, "addresses", {
    get() {
      if (!isFirst) return [...addresses, "192.0.2.3"];
      isFirst = false;
      network.isNews = true;
      return addresses;
    },
  });
  expect(memory.read().withheld).toEqual(["192.0.2.2"]);
  expect(memory.read().withheld).toEqual(["192.0.2.2", "192.0.2.3"]);
});
