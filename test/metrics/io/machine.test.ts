import { expect, test } from "vitest";
import { createMachineReadings, parseCpuTimes } from "../../../src/metrics/io/machine.ts";

test("the first line of /proc/stat gives all time and that in which nothing was done", () => {
  const text = "cpu  100 5 50 800 40 1 4 0 10 10\ncpu0 1 2 3 4\n";
  expect(parseCpuTimes(text)).toEqual({ total: 1000, idle: 840 });
});

test("utilization is the busy part since the reading before, and two readers in a second get the same", () => {
  let nowMs = 0;
  let times = { total: 1000, idle: 900 };
  const machine = createMachineReadings(
    () => nowMs,
    () => times,
  );
  times = { total: 1100, idle: 925 };
  expect(machine.cpuUtilization()).toBe(0.75);
  nowMs = 500;
  times = { total: 1200, idle: 1025 };
  expect(machine.cpuUtilization()).toBe(0.75);
  nowMs = 1500;
  expect(machine.cpuUtilization()).toBe(0);
});

test("this machine is read", () => {
  const machine = createMachineReadings();
  expect(machine.memoryOctets()).toBeGreaterThan(1 << 20);
  expect(machine.processMemoryOctets()).toBeGreaterThan(1 << 20);
  expect(machine.processCpuSeconds()).toBeGreaterThan(0);
  expect(machine.cpuUtilization()).toBeLessThanOrEqual(1);
});
