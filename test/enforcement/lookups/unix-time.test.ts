import { expect, test } from "vitest";
import { createUnixTime } from "../../../src/enforcement/lookups/unix-time.ts";

/** A machine's clock that can be set, and counts who looks at it. */
function machineClock(unixMs: number) {
  const clock = { unixMs, looks: 0 };
  const read = (): number => {
    clock.looks += 1;
    return clock.unixMs;
  };
  return { clock, unixTime: createUnixTime(read) };
}

test("moments of another clock are told in Unix time, whole milliseconds", () => {
  const { unixTime } = machineClock(1_700_000_000_000);
  expect([500.25, 500.25, 507.75, 599].map(unixTime)).toEqual([
    1_700_000_000_000, 1_700_000_000_000, 1_700_000_000_007, 1_700_000_000_098,
  ]);
});

test("however many moments are told, the machine's clock is read ten times a second", () => {
  const { clock, unixTime } = machineClock(1_700_000_000_000);
  for (let nowMs = 0; nowMs < 1000; nowMs += 0.5) unixTime(nowMs);
  expect(clock.looks).toBe(10);
});

test("once the machine's clock has been set, forward or back, it is followed a tenth of a second later", () => {
  const { clock, unixTime } = machineClock(1_700_000_000_000);
  unixTime(0);
  clock.unixMs = 1_600_000_000_000;
  expect(unixTime(99)).toBe(1_700_000_000_099);
  expect(unixTime(100)).toBe(1_600_000_000_000);
  clock.unixMs = 1_800_000_000_000;
  expect(unixTime(200)).toBe(1_800_000_000_000);
});
