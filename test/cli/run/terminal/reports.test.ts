import { PassThrough } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, test } from "vitest";
import { readReports } from "../../../../src/cli/run/terminal/reports.ts";

async function hear(...pieces: readonly string[]): Promise<readonly string[]> {
  const heard: string[] = [];
  const control = new PassThrough({ readableHighWaterMark: 1 << 20 });
  // What is said to us and what we answer are two lines.
  Object.defineProperty(control, "writableLength", { value: 0 });
  readReports(control, {
    onReady: () => void heard.push("ready"),
    onStopped: (signal) => void heard.push(`stopped by ${signal}`),
    onForeign: () => void heard.push("foreign"),
  });
  for (const piece of pieces) {
    control.write(piece);
    await turn();
    await turn();
  }
  return heard;
}

test.each([
  ["readiness and a stop", ["ready\n", "stopped 148\n"], ["ready", "stopped by 20"]],
  ["a report in two pieces", ["rea", "dy\n", "stopped", " 149\n"], ["ready", "stopped by 21"]],
  ["a stop before readiness", ["stopped 148\n", "ready\n"], ["foreign"]],
  ["readiness twice", ["ready\n", "ready\n", "stopped 148\n"], ["ready", "foreign"]],
  ["two reports at once", ["ready\n", "stopped 148\nstopped 148\n"], ["ready", "foreign"]],
  ["an end by itself", ["ready\n", "stopped 1\n"], ["ready", "foreign"]],
  ["no signal", ["ready\n", "stopped 128\n"], ["ready", "foreign"]],
  ["no number", ["ready\n", "stopped x\n"], ["ready", "foreign"]],
  ["more than a report", ["ready\n", "x".repeat(17), "ready\n"], ["ready", "foreign"]],
])("of %s", async (_what, pieces, heard) => {
  expect(await hear(...pieces)).toEqual(heard);
});

test("a report that comes while the last answer has not left is no report of ours", async () => {
  const heard: string[] = [];
  const control = new PassThrough();
  Object.defineProperty(control, "writableLength", { value: 3 });
  readReports(control, {
    onReady: () => void heard.push("ready"),
    onStopped: () => void heard.push("stopped"),
    onForeign: () => void heard.push("foreign"),
  });
  for (const report of ["ready\n", "stopped 148\n"]) {
    control.write(report);
    await turn();
  }
  expect(heard).toEqual(["ready", "foreign"]);
});
