import { describe, expect, test } from "vitest";
import { createLearnedAddresses } from "../../../src/learned/learned-addresses.ts";
import { createWithheldAddresses } from "../../../src/learned/withheld.ts";
import { createPolicyKernel } from "../../../src/enforcement/change/policy-kernel.ts";
import { KernelError, LearnedSetError } from "../../../src/netfilter/errors.ts";
import type { RulesetApplier } from "../../../src/netfilter/io/nft.ts";
import type { Ruleset } from "../../../src/netfilter/ruleset.ts";
import { renderRuleset } from "../../../src/netfilter/render-nft.ts";
import { octetKey } from "../../../src/tables/octet-key.ts";
import { createFakeLearnedSet } from "../../support/fake-learned-set.ts";
import { compiledOf, nameOf } from "../../support/policy.ts";

const ADDRESS = Uint8Array.of(192, 0, 2, 7);
const OTHER = Uint8Array.of(192, 0, 2, 8);

const OPEN = compiledOf({ egress: [{ action: "allow", target: "*.example" }] });
const ONLY_A = compiledOf({ egress: [{ action: "allow", target: "a.example" }] });
const CLOSED = compiledOf({});

/** `loaded` has each ruleset as text; `heldAtLoad` what the learned sets held at that moment. */
function createBench() {
  const clock = { nowMs: 0 };
  const kernel = createFakeLearnedSet(() => clock.nowMs);
  const learned = createLearnedAddresses({
    drawSeed: () => 0,
    set: kernel,
    nowMs: () => clock.nowMs,
    onRefused: () => undefined,
    graceSeconds: 600,
    wildcardOf: () => undefined,
    withheld: createWithheldAddresses([], () => 0),
  });
  const loaded: string[] = [];
  const heldAtLoad: string[][] = [];
  const rulesets: Ruleset[] = [];
  const state = {
    failure: undefined as Error | undefined,
    meanwhile: undefined as (() => void) | undefined,
    enforced: 0,
    refusesInPlace: false,
  };
  const applier: RulesetApplier = {
    async replace(ruleset) {
      heldAtLoad.push([...kernel.held().keys()]);
      state.meanwhile?.();
      if (state.failure) throw state.failure;
      if (state.refusesInPlace && ruleset.over !== "nothing")
        throw new KernelError("refused", "nft", "File exists");
      rulesets.push(ruleset);
      loaded.push(renderRuleset(ruleset, { tables: [], chains: [] }));
      return { isWhole: true, foundDrift: false, unguarded: [] };
    },
    declare: async () => undefined,
    teardown: async () => undefined,
  };
  const port = createPolicyKernel({
    frame: {
      mode: "dns+nft",
      upstreams: [{ address: "192.0.2.53", port: 53 }],
      exemptNameservers: [],
      resolverPort: 15_353,
      api: { host: undefined, port: 18_080 },
      inboundUdp: false,
      doh: undefined,
      marks: { mark: 1, priority: 2, group: undefined, stampMark: 3, stampPriority: 4 },
    },
    applier,
    learned,
    readNetwork: () => ({ interfaces: ["eth0"], onLinkV4: [], onLinkV6: [], ipv6: true }),
    onEnforced: () => {
      state.enforced += 1;
    },
    firstGeneration: 41,
    nowMs: () => clock.nowMs,
  });
  function learn(name = "a.example", octets = ADDRESS): void {
    learned.learn(nameOf(name), octets, 0, 4, 300);
    learned.commit();
  }
  return { kernel, learned, loaded, rulesets, heldAtLoad, state, port, learn };
}

describe("a policy in the kernel", () => {
  test("what a policy with ports has admitted before its elements were seen is judged once more", async () => {
    const { port, rulesets } = createBench();
    const ports = [443];
    await port.enforce(compiledOf({ egress: [{ action: "deny", ports }, { target: "*.example" }] }));
    expect(rulesets.map(({ generation }) => generation)).toEqual([42, 43]);
    expect(port.generation()).toBe(43);
    await port.enforce(OPEN);
    expect(rulesets.map(({ generation }) => generation)).toEqual([42, 43, 44]);
  });

  test("each one has a generation of its own, which accepted flows carry", async () => {
    const { port, loaded } = createBench();
    await port.enforce(OPEN);
    await port.enforce(OPEN);
    expect(loaded.map((text) => /ct state established ct mark (\d+)/.exec(text)?.[1])).toEqual(["42", "43"]);
  });

  test("a denied name's address is out and revoked before the transaction begins", async () => {
    const { port, kernel, heldAtLoad, learn } = createBench();
    learn();
    await port.enforce(CLOSED);
    expect(heldAtLoad).toEqual([[]]);
    expect([...kernel.revoked().keys()]).toEqual(["192.0.2.7"]);
  });

  test("an allowed name's address is never out", async () => {
    const { port, heldAtLoad, learn } = createBench();
    learn();
    await port.enforce(OPEN);
    expect(heldAtLoad).toEqual([["192.0.2.7"]]);
  });

  test("what a refused change took out is back with the policy that is put back", async () => {
    const { port, kernel, state, learn } = createBench();
    learn();
    state.failure = new KernelError("refused", "nft", "no");
    await expect(port.enforce(CLOSED)).rejects.toThrow("no");
    expect(kernel.held().size).toBe(0);
    state.failure = undefined;
    await port.enforce(OPEN);
    expect([...kernel.held().keys()]).toEqual(["192.0.2.7"]);
  });

  test("after drift all is loaded over what is found, with what was learned and revoked in the same transaction", async () => {
    const { port, kernel, loaded, rulesets, learn } = createBench();
    learn();
    await port.enforce(OPEN);
    expect(rulesets[0]).not.toHaveProperty("over");
    kernel.remove(ADDRESS);
    kernel.commit();
    port.markDrifted();
    await port.enforce(OPEN);
    expect(rulesets[1]).toMatchObject({ over: "found" });
    expect(loaded[1]).toMatch(/dyn_allow_v4 \{ 192\.0\.2\.7 timeout 360s comment "a\.example" \}/);
    expect([...kernel.held().keys()]).toEqual(["192.0.2.7"]);
    await port.enforce(CLOSED);
    expect(rulesets[2]).not.toHaveProperty("over");
    port.markDrifted();
    await port.enforce(CLOSED);
    expect(loaded[3]).toMatch(/revoked_v4 \{ 192\.0\.2\.7 \}/);
  });

  test("drift that is told during a load has the next one be whole", async () => {
    const { port, rulesets, state } = createBench();
    await port.enforce(OPEN);
    port.markDrifted();
    state.meanwhile = port.markDrifted;
    await port.enforce(OPEN);
    state.meanwhile = undefined;
    await port.enforce(OPEN);
    await port.enforce(OPEN);
    expect(rulesets.map(({ over }) => over)).toEqual([undefined, "found", "found", undefined]);
  });

  test("a change that finds the sets gone loads all, with what it does not deny", async () => {
    const { port, kernel, rulesets, loaded, state, learn } = createBench();
    learn();
    learn("b.example", OTHER);
    await port.enforce(OPEN);
    kernel.areGone = true;
    state.meanwhile = () => {
      kernel.areGone = false;
    };
    await port.enforce(ONLY_A);
    expect(rulesets[1]).toMatchObject({ over: "found" });
    expect(loaded[1]).toMatch(/dyn_allow_v4 \{ 192\.0\.2\.7 timeout 360s comment "a\.example" \}/);
    expect(loaded[1]).toMatch(/revoked_v4 \{ 192\.0\.2\.8 \}/);
    expect([...kernel.held().keys()]).toEqual(["192.0.2.7"]);
    expect([...kernel.revoked().keys()]).toEqual(["192.0.2.8"]);
  });

  test("what refused changes took out is back with the policy that is put back at last, also if the sets were gone", async () => {
    const { port, kernel, state, learn } = createBench();
    learn();
    learn("b.example", OTHER);
    await port.enforce(OPEN);
    kernel.areGone = true;
    state.failure = new KernelError("tool-missing", "nft", "no");
    await expect(port.enforce(ONLY_A)).rejects.toThrow("no");
    await expect(port.enforce(OPEN)).rejects.toThrow("no");
    state.failure = undefined;
    state.meanwhile = () => {
      kernel.areGone = false;
    };
    await port.enforce(OPEN);
    expect([...kernel.held().keys()].toSorted()).toEqual(["192.0.2.7", "192.0.2.8"]);
    expect(kernel.revoked().size).toBe(0);
  });

  test("what flows use is loaded with the rest, also if the kernel refused to renew it while its sets were away", async () => {
    const { port, kernel, learned, loaded, learn } = createBench();
    learn();
    await port.enforce(OPEN);
    kernel.refuseKey = "192.0.2.7";
    expect(() => learned.renew(new Set([octetKey(ADDRESS, 0, 4)]))).toThrow(LearnedSetError);
    kernel.refuseKey = undefined;
    port.markDrifted();
    await port.enforce(OPEN);
    expect(loaded[1]).toMatch(/dyn_allow_v4 \{ 192\.0\.2\.7 timeout 700s comment "a\.example" \}/);
    expect([...kernel.held()]).toEqual([["192.0.2.7", { untilMs: 700_000, comment: "a.example" }]]);
  });

  test("what can't be changed in place is loaded from nothing, with what was learned", async () => {
    const { port, rulesets, loaded, state, learn } = createBench();
    learn();
    state.refusesInPlace = true;
    await port.enforce(OPEN);
    expect(rulesets).toMatchObject([{ over: "nothing" }]);
    expect(loaded[0]).toMatch(/^table inet opensandbox\ndelete table inet opensandbox\n/);
    expect(loaded[0]).toMatch(/dyn_allow_v4 \{ 192\.0\.2\.7 /);
  });

  test("the resolver hears of a policy only once it is in force", async () => {
    const { port, state } = createBench();
    state.failure = new KernelError("timed-out", "nft", "late");
    await expect(port.enforce(OPEN)).rejects.toThrow("late");
    expect(state.enforced).toBe(0);
    state.failure = undefined;
    await port.enforce(OPEN);
    expect(state.enforced).toBe(1);
  });
});
