import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { collectAfterConnections, keepMemorySmall } from "../../src/sidecar/keep-memory.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what the start left behind is collected once, when fifteen seconds have seen no lookup", () => {
  let lookups = 7;
  let collected = 0;
  const stop = keepMemorySmall(
    () => lookups,
    () => void (collected += 1),
  );
  for (let rounds = 0; rounds < 5; rounds++) {
    lookups += 1;
    vi.advanceTimersByTime(15_000);
  }
  expect(collected).toBe(0);
  vi.advanceTimersByTime(15_000);
  expect(collected).toBe(1);
  vi.advanceTimersByTime(150_000);
  expect(collected).toBe(1);
  stop();
  expect(vi.getTimerCount()).toBe(0);
});

test("what five hundred connections leave behind is collected, once they have been looked at", () => {
  let collected = 0;
  const count = collectAfterConnections(() => (collected += 1));
  for (let n = 0; n < 499; n += 1) count();
  vi.runAllTimers();
  expect(collected).toBe(0);
  for (let n = 0; n < 501; n += 1) count();
  vi.runAllTimers();
  expect(collected).toBe(2);
});
