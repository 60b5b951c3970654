import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createReconciler } from "../../../src/enforcement/keep/reconciler.ts";

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
  const created = createReconciler({
    audit: { rulesetReconciled: (event) => told.push(event) },
    nowMs: () => performance.now(),
  });
  const marks = { count: 0 };
  const markDrifted = (): void => void (marks.count += 1);
  const reconciler = { ...created, begin: () => created.begin({ markDrifted, load }) };
  const settle = async (error?: string): Promise<void> => {
    loads.at(-1)?.resolve(error);
    await vi.advanceTimersByTimeAsync(0);
  };
  return { reconciler, told, loads, marks, settle };
}

test("a change is repaired at once, told once, and health is bad until then", async () => {
  const { reconciler, told, loads, settle } = create();
  reconciler.begin();
  reconciler.foreignChange(CHANGE);
  reconciler.foreignChange(OTHER);
  expect(reconciler.fault()).toMatch(/changed from outside.*being loaded again/);
  await vi.advanceTimersByTimeAsync(0);
  expect(loads).toHaveLength(1);
  expect(reconciler.fault()).toMatch(/being loaded again/);
  await settle();
  expect(reconciler.fault()).toBeUndefined();
  expect(told).toEqual([
    { found: [...CHANGE.found, ...OTHER.found], by: [...CHANGE.by, ...OTHER.by], error: undefined },
  ]);
});

test("a change is marked at once, also while its repair has to wait its turn", async () => {
  const { reconciler, loads, marks, settle } = create();
  reconciler.foreignChange(CHANGE);
  reconciler.begin();
  expect(marks.count).toBe(1);
  await vi.advanceTimersByTimeAsync(0);
  await settle();
  reconciler.foreignChange(OTHER);
  expect(marks.count).toBe(2);
  expect(loads).toHaveLength(1);
});

test("a kernel that does not take it is told with the reason", async () => {
  const { reconciler, told, settle } = create();
  reconciler.begin();
  reconciler.foreignChange(CHANGE);
  await vi.advanceTimersByTimeAsync(0);
  await settle("nft: is not installed");
  expect(told).toEqual([{ ...CHANGE, error: "nft: is not installed" }]);
});

test("a change during a repair brings another one", async () => {
  const { reconciler, told, loads, settle } = create();
  reconciler.begin();
  reconciler.foreignChange(CHANGE);
  await vi.advanceTimersByTimeAsync(0);
  reconciler.foreignChange(OTHER);
  await settle();
  await vi.advanceTimersByTimeAsync(1000);
  expect(loads).toHaveLength(2);
  await settle();
  expect(told).toMatchObject([CHANGE, OTHER]);
});

test("before the first policy nothing is loaded, and then what was changed is", async () => {
  const { reconciler, loads } = create();
  reconciler.foreignChange(CHANGE);
  await vi.advanceTimersByTimeAsync(5000);
  expect(loads).toHaveLength(0);
  reconciler.begin();
  await vi.advanceTimersByTimeAsync(0);
  expect(loads).toHaveLength(1);
});

test("who changes it all the time is answered once a second, and health is good once there is quiet", async () => {
  const { reconciler, loads, settle } = create();
  reconciler.begin();
  for (let ms = 0; ms < 20_000; ms += 10) {
    reconciler.foreignChange(CHANGE);
    await vi.advanceTimersByTimeAsync(10);
    await settle();
  }
  expect(loads.length).toBeGreaterThan(18);
  expect(loads.length).toBeLessThan(27);
  await vi.advanceTimersByTimeAsync(1000);
  await settle();
  expect(reconciler.fault()).toMatch(/again and again/);
  await vi.advanceTimersByTimeAsync(4000);
  expect(reconciler.fault()).toBeUndefined();
});

test("nothing is loaded any more once it is closed", async () => {
  const { reconciler, loads } = create();
  reconciler.begin();
  reconciler.foreignChange(CHANGE);
  await reconciler.close();
  await vi.advanceTimersByTimeAsync(5000);
  expect(loads).toHaveLength(0);
});
