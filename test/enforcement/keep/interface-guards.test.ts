import { expect, test } from "vitest";
import { watchInterfaceGuards } from "../../../src/enforcement/keep/interface-guards.ts";
import { compileRuleset } from "../../../src/netfilter/chains/compile-ruleset.ts";
import type { AppliedRuleset } from "../../../src/netfilter/io/nft.ts";
import type { EnforcementMode, Ruleset } from "../../../src/netfilter/ruleset.ts";
import type { ProtectionName, ProtectionState } from "../../../src/protections/protection.ts";
import { rulesetInput } from "../../netfilter/ruleset-input.ts";

/** The kernel as the next load finds it. */
interface World {
  unguarded: AppliedRuleset["unguarded"];
  refusal: Error | undefined;
}

function create() {
  const world: World = { unguarded: [], refusal: undefined };
  const reported = new Map<ProtectionName, ProtectionState>();
  const guards = watchInterfaceGuards(
    {
      async replace() {
        if (world.refusal !== undefined) throw world.refusal;
        return { isWhole: true, foundDrift: false, unguarded: world.unguarded };
      },
      declare: async () => undefined,
      teardown: async () => undefined,
    },
    { report: (name, state) => void reported.set(name, state) },
  );
  const load = (...interfaces: readonly string[]) => guards.applier.replace(rulesetFor(interfaces));
  return { world, reported, guards, load };
}

function rulesetFor(interfaces: readonly string[], mode: EnforcementMode = "dns+nft"): Ruleset {
  return compileRuleset(rulesetInput({ mode, network: { ...rulesetInput().network, interfaces } }));
}

test("what was loaded with all its guards is on", async () => {
  const { reported, guards, load } = create();
  await load("eth0", "eth1");
  expect(guards.interfaces()).toEqual({ guarded: ["eth0", "eth1"], unguarded: [] });
  expect(guards.generation()).toBe(7);
  expect(reported).toEqual(
    new Map([
      ["connections", { state: "on" }],
      ["raw-frames", { state: "on" }],
    ]),
  );
});

test("one interface without a guard is enough for off, and comes on again without it", async () => {
  const { world, reported, guards, load } = create();
  world.unguarded = [{ name: "veth*", reason: "nft cannot be told its name" }];
  await load("eth0", "veth*");
  expect(guards.interfaces()).toEqual({ guarded: ["eth0"], unguarded: world.unguarded });
  expect(reported.get("raw-frames")).toEqual({
    state: "off",
    reason: 'interface "veth*": nft cannot be told its name',
  });
  world.unguarded = [];
  await load("eth0");
  expect(reported.get("raw-frames")).toEqual({ state: "on" });
});

test("a refused ruleset leaves guarded what was, and an interface that is new with it unguarded", async () => {
  const { world, reported, guards, load } = create();
  await load("eth0");
  world.refusal = new Error("nft: no memory");
  await expect(load("eth0")).rejects.toBe(world.refusal);
  expect(reported.get("raw-frames")).toEqual({ state: "on" });
  for (let tries = 0; tries < 2; tries++) await expect(load("eth0", "eth1")).rejects.toBe(world.refusal);
  expect(guards.interfaces()).toEqual({
    guarded: ["eth0"],
    unguarded: [{ name: "eth1", reason: "its guard was refused: nft: no memory" }],
  });
  expect(reported.get("raw-frames")).toEqual({
    state: "off",
    reason: 'interface "eth1": its guard was refused: nft: no memory',
  });
});

test("many interfaces make no long reason", async () => {
  const { world, reported, load } = create();
  world.unguarded = Array.from({ length: 100 }, (_, index) => ({ name: `v*${index}`, reason: "no" }));
  await load();
  expect(reported.get("raw-frames")).toEqual({
    state: "off",
    reason: 'interface "v*0": no, interface "v*1": no, interface "v*2": no, interface "v*3": no, and 96 more',
  });
});

test("in mode dns nothing is guarded, and connections are not judged", async () => {
  const { reported, guards } = create();
  await guards.applier.replace(rulesetFor(["eth0"], "dns"));
  expect(guards.interfaces()).toEqual({ guarded: [], unguarded: [] });
  expect(guards.generation()).toBeUndefined();
  const reason = "mode dns judges lookups alone";
  expect(reported).toEqual(
    new Map([
      ["connections", { state: "off", reason }],
      ["raw-frames", { state: "off", reason }],
    ]),
  );
});
