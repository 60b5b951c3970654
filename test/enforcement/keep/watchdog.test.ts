import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startWatchdog, type Watchdog } from "../../../src/enforcement/keep/watchdog.ts";

let reason: string | undefined;
let told: unknown[];
let dog: Watchdog;
beforeEach(() => {
  vi.useFakeTimers();
  reason = undefined;
  told = [];
  const watched = {
    network: () => undefined,
    rules() {
      if (reason === "thrown") throw new Error("no descriptors");
      return reason;
    },
  };
  dog = startWatchdog(watched, { watchChanged: (change) => told.push(change) });
});
afterEach(() => {
  dog.close();
  vi.useRealTimers();
});

test("a watch that lives is no news", () => {
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([]);
  expect(dog.faults()).toEqual([]);
});

test("a dead one is told once, and a fault until a look finds it alive", () => {
  reason = "its descriptor is closed";
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([{ watch: "rules", reason }]);
  expect(dog.faults()).toEqual(["rules may be missed: its descriptor is closed"]);
  reason = undefined;
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([
    { watch: "rules", reason: "its descriptor is closed" },
    { watch: "rules", reason: undefined },
  ]);
  expect(dog.faults()).toEqual([]);
});

test("one that cannot be looked at is dead, and the next look tries it again", () => {
  reason = "thrown";
  vi.advanceTimersByTime(5_000);
  expect(told).toEqual([{ watch: "rules", reason: "no descriptors" }]);
  reason = undefined;
  vi.advanceTimersByTime(1_000);
  expect(dog.faults()).toEqual([]);
});
