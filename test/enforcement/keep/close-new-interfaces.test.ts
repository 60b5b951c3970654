import { expect, test } from "vitest";
import { closeNewInterfaces } from "../../../src/enforcement/keep/close-new-interfaces.ts";
import { compileRuleset } from "../../../src/netfilter/chains/compile-ruleset.ts";
import { KernelError } from "../../../src/netfilter/errors.ts";
import type { EnforcementMode, Ruleset } from "../../../src/netfilter/ruleset.ts";
import { rulesetInput } from "../../netfilter/ruleset-input.ts";

/** What was done, in its order, by a kernel that is as the world says. */
function create() {
  const done: string[] = [];
  const faults: string[] = [];
  const world = { isAble: true, refusal: undefined as Error | undefined, foundDrift: false };
  const applier = closeNewInterfaces(
    {
      async replace() {
        if (world.refusal !== undefined) throw world.refusal;
        done.push("loaded");
        return { isWhole: true, foundDrift: world.foundDrift, unguarded: [] };
      },
      declare: async () => undefined,
      teardown: async () => undefined,
    },
    {
      letThrough(names) {
        if (world.refusal !== undefined) throw world.refusal;
        done.push(`through: ${names.join(" ")}`);
        return world.isAble;
      },
      remove: () => void done.push("removed"),
    },
    (message) => void faults.push(message),
  );
  const load = async (ruleset: Ruleset): Promise<readonly string[]> => {
    await applier.replace(ruleset);
    return done.splice(0);
  };
  return { world, faults, applier, done, load };
}

function rulesetFor(interfaces: readonly string[], mode: EnforcementMode = "dns+nft"): Ruleset {
  return compileRuleset(rulesetInput({ mode, network: { ...rulesetInput().network, interfaces } }));
}

test("an interface is let through after its guard is in force, and closed before its guard goes", async () => {
  const { load } = create();
  expect(await load(rulesetFor(["eth0"]))).toEqual(["loaded", "through: lo eth0"]);
  expect(await load(rulesetFor(["eth0"]))).toEqual(["loaded"]);
  expect(await load(rulesetFor(["eth0", "eth1"]))).toEqual(["loaded", "through: lo eth0 eth1"]);
  expect(await load(rulesetFor(["eth1"]))).toEqual(["through: lo eth1", "loaded"]);
  expect(await load(rulesetFor(["eth2"]))).toEqual(["through: lo", "loaded", "through: lo eth2"]);
});

test("one that cannot be guarded is let through, as before", async () => {
  const { load } = create();
  expect(await load(rulesetFor(["eth0", "veth*"]))).toEqual(["loaded", "through: lo eth0 veth*"]);
});

test("what somebody may have changed is made anew", async () => {
  const { load, world } = create();
  const ruleset = rulesetFor(["eth0"]);
  await load(ruleset);
  expect(await load({ ...ruleset, over: "found" })).toEqual(["through: lo eth0", "loaded"]);
  world.foundDrift = true;
  expect(await load(ruleset)).toEqual(["loaded", "through: lo eth0"]);
});

test("with a ruleset that is refused a new interface stays closed", async () => {
  const { applier, done, world, load } = create();
  await load(rulesetFor(["eth0"]));
  world.refusal = new Error("nft: no memory");
  await expect(applier.replace(rulesetFor(["eth0", "eth1"]))).rejects.toBe(world.refusal);
  expect(done).toEqual([]);
});

test("a refusal is told, and tried again with the next ruleset", async () => {
  const { applier, done, world, faults, load } = create();
  await load(rulesetFor(["eth0", "eth1"]));
  world.refusal = new KernelError("refused", "nf_tables", "ENOMEM");
  await expect(applier.replace(rulesetFor(["eth0"]))).rejects.toBe(world.refusal);
  expect([faults.length, done]).toEqual([1, []]);
  world.refusal = undefined;
  expect(await load(rulesetFor(["eth0"]))).toEqual(["loaded", "through: lo eth0"]);
});

test("a kernel that cannot is asked once", async () => {
  const { world, load } = create();
  world.isAble = false;
  await load(rulesetFor(["eth0"]));
  expect(await load(rulesetFor(["eth1"]))).toEqual(["loaded"]);
});

test("in mode dns nothing is closed, and what is left goes", async () => {
  const { load } = create();
  expect(await load(rulesetFor(["eth0"], "dns"))).toEqual(["loaded", "removed"]);
  expect(await load(rulesetFor(["eth0"], "dns"))).toEqual(["loaded"]);
});
