import { expect, test } from "vitest";
import type { ProtectionName } from "../../src/protections/protection.ts";
import { createProtections, type ReportedProtection } from "../../src/protections/protections.ts";

const ON = { state: "on" } as const;
const off = (reason: string) => ({ state: "off", reason }) as const;

function create(...required: readonly ProtectionName[]) {
  const changes: ReportedProtection[] = [];
  const protections = createProtections({ required, onChange: (change) => changes.push(change) });
  return { protections, changes };
}

test("the last report of each is listed, in the order of the list", () => {
  const { protections } = create();
  expect(protections.list()).toEqual([]);
  protections.report("idle-flows", off("no sock_diag"));
  protections.report("raw-frames", off("no hook"));
  protections.report("raw-frames", ON);
  expect(protections.list()).toEqual([
    { name: "raw-frames", state: "on", required: false },
    { name: "idle-flows", state: "off", reason: "no sock_diag", required: false },
  ]);
});

test("one that is required is listed, reported or not", () => {
  const { protections } = create("idle-flows", "raw-frames");
  protections.report("raw-frames", ON);
  expect(protections.list()).toEqual([
    { name: "raw-frames", state: "on", required: true },
    { name: "idle-flows", state: "off", reason: "it was not reported", required: true },
  ]);
});

test("one that goes off is told once, again for another reason, and when it comes back", () => {
  const { protections, changes } = create();
  protections.report("raw-frames", ON);
  expect(changes).toEqual([]);
  for (const reason of ["no hook", "no hook", "no name"]) protections.report("raw-frames", off(reason));
  protections.report("raw-frames", ON);
  protections.report("raw-frames", ON);
  expect(changes).toEqual([
    { name: "raw-frames", state: "off", reason: "no hook" },
    { name: "raw-frames", state: "off", reason: "no name" },
    { name: "raw-frames", state: "on" },
  ]);
});

test("one that is off at its first report is told", () => {
  const { protections, changes } = create();
  protections.report("af-xdp", off("no memory"));
  expect(changes).toEqual([{ name: "af-xdp", state: "off", reason: "no memory" }]);
});

test("what is required is missing while it is off or not reported, and each line says why and what to do", () => {
  const { protections } = create("raw-frames", "connections");
  expect(protections.missing()).toEqual([
    expect.stringMatching(/^the required protection raw-frames is off: .*not reported.*; use a kernel/),
    expect.stringMatching(/^the required protection connections is off: /),
  ]);
  protections.report("connections", ON);
  protections.report("raw-frames", off("no hook"));
  protections.report("idle-flows", off("not required"));
  expect(protections.missing()).toEqual([
    expect.stringMatching(
      /^the required protection raw-frames is off: no hook; use a kernel from Linux 5\.16/,
    ),
  ]);
  protections.report("raw-frames", ON);
  expect(protections.missing()).toEqual([]);
});
