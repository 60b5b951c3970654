import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRulesetRepair } from "../../../src/enforcement/keep/ruleset-repair.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const CHANGE = { found: ["inet opensandbox: table deleted"], by: ["nft (process 7)"] };
const OTHER = { found: ["inet opensandbox: rule added in chain egress"], by: ["nft (process 8)"] };

function create() {
  const told: unknown[] = [];
  const loads: PromiseWithResolvers<string | undefined>[] = [];
  function load(): Promise<string | undefined> {
    const one = Promise.withResolvers<string | undefined>();
    loads.push(one);
    return one.promise;
  }
  const created = createRulesetRepair({
    audit: { rulesetRepaired: (event) => told.push(event) },
    nowMs: () => performance.now(),
  });
  const repair = { ...created, begin: () => created.begin(load) };
  const settle = async (error?: string): Promise<void> => {
    loads.at(-1)?.resolve(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { repair, told, loads, settle };
}

test("a change is repaired at once, told once, and health is bad until then", async () => {
  const { repair, told, loads, settle } = create();
  repair.begin();
  repair.foreignChange(CHANGE);
  repair.foreignChange(OTHER);
  expect(repair.fault()).toMatch(/changed from outside.*being loaded again/);
  await vi.advanceTimersByTimeAsync(0);
  expect(loads).toHaveLength(1);
  expect(repair.fault()).toMatch(/being loaded again/);
  await settle();
  expect(repair.fault()).toBeUndefined();
  expect(told).toEqual([
    { found: [...CHANGE.found, ...OTHER.found], by: [...CHANGE.by, ...OTHER.by], error: undefined },
  ]);
});

test("a kernel that does not take it is told with the reason", async () => {
  const { repair, told, settle } = create();
  repair.begin();
  repair.foreignChange(CHANGE);
  await vi.advanceTimersByTimeAsync(0);
  await settle("nft: is not installed");
  expect(told).toEqual([{ ...CHANGE, error: "nft: is not installed" }]);
});

test("a change during a repair brings another one", async () => {
  const { repair, told, loads, settle } = create();
  repair.begin();
  repair.foreignChange(CHANGE);
  await vi.advanceTimersByTimeAsync(0);
  repair.foreignChange(OTHER);
  await settle();
  await vi.advanceTimersByTimeAsync(1000);
  expect(loads).toHaveLength(2);
  await settle();
  expect(told).toMatchObject([CHANGE, OTHER]);
});

test("before the first policy nothing is loaded, and then what was changed is", async () => {
  const { repair, loads } = create();
  repair.foreignChange(CHANGE);
  await vi.advanceTimersByTimeAsync(5000);
  expect(loads).toHaveLength(0);
  repair.begin();
  await vi.advanceTimersByTimeAsync(0);
  expect(loads).toHaveLength(1);
});

test("who changes it all the time is answered once a second, and health is good once there is quiet", async () => {
  const { repair, loads, settle } = create();
  repair.begin();
  for (let ms = 0; ms < 20_000; ms += 10) {
    repair.foreignChange(CHANGE);
    await vi.advanceTimersByTimeAsync(10);
    await settle();
  }
  expect(loads.length).toBeGreaterThan(18);
  expect(loads.length).toBeLessThan(27);
  await vi.advanceTimersByTimeAsync(1000);
  await settle();
  expect(repair.fault()).toMatch(/again and again/);
  await vi.advanceTimersByTimeAsync(4000);
  expect(repair.fault()).toBeUndefined();
});

test("nothing is loaded any more once it is closed", async () => {
  const { repair, loads } = create();
  repair.begin();
  repair.foreignChange(CHANGE);
  await repair.close();
  await vi.advanceTimersByTimeAsync(5000);
  expect(loads).toHaveLength(0);
});
