/**
 * A ruleset that replaces one of another kind, all tables at once: raw frames and denied packets do not slip
 * through in between.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compileRuleset } from "../../src/netfilter/chains/compile-ruleset.ts";
import { readNetworkFacts } from "../../src/netfilter/io/network-facts.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { rulesetInput } from "../netfilter/ruleset-input.ts";
import { createRulesetLab, type RulesetLab } from "../netfilter/ruleset-lab.ts";
import { startAttack } from "../escape/attack.ts";
import { until } from "../support/until.ts";

const RELOADS = 100;

let on: RulesetLab;
beforeAll(async () => {
  on = await createRulesetLab();
  await on.load();
});
afterAll(async () => {
  await on[Symbol.asyncDispose]();
});

async function loadFromNothing(times: number): Promise<void> {
  const [ip, ...rest] = argvIn(on.lab.sandbox, ["ip"]);
  const network = await readNetworkFacts([ip, ...rest]);
  for (let n = 0; n < times; n += 1) {
    await on.applier.replace({ ...compileRuleset(rulesetInput({ network })), over: "nothing" });
  }
}

const FLOODS = [
  ["raw frames", "frames", "203.0.113.77"],
  ["raw frames of IPv6", "frames", "2001:db8:100:1::77"],
  ["datagrams", "datagrams", "203.0.113.78"],
  ["datagrams of IPv6", "datagrams", "2001:db8:100:1::78"],
] as const;

describe.each(FLOODS)("of a flood of %s", (_what, way, destination) => {
  test("nothing leaves while rules are loaded from nothing, again and again", async () => {
    const frames = await on.lab.canary.during(async () => {
      await using flood = await startAttack(on.lab, "flood", way, "eth0", destination);
      const sent = (): number =>
        Number(flood.lines.findLast(({ event }) => event === "sent")?.["tries"] ?? 0);
      await until("it floods", () => sent() > 0);
      const before = sent();
      await loadFromNothing(RELOADS);
      await until("it has gone on", () => sent() > before + RELOADS);
    });
    expect(frames.filter((frame) => frame.destination === destination)).toEqual([]);
  });
});
