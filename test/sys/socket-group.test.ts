import { readFileSync } from "node:fs";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { drawGroup, parseGroupMap, underGroup } from "../../src/sys/socket-group.ts";

const MACHINE = "         0          0 4294967295\n";
const ROOTLESS = "         0       1000          1\n         1     100000      65536\n";

describe("a group is drawn from those that the user namespace has", () => {
  test.each([
    ["the machine's", MACHINE, 0, 1024],
    ["the machine's", MACHINE, 0xffff_ffff - 1024 - 1, 0xffff_fffe],
    ["a rootless container's", ROOTLESS, 0, 1024],
    ["a rootless container's", ROOTLESS, 64_512, 65_536],
  ])("%s", (_, map, place, group) => {
    expect(drawGroup(parseGroupMap(map), () => place)).toBe(group);
  });

  test.each([
    ["one id", "0 1000 1\n"],
    ["few ids", "0 0 1024\n1024 1024 32766\n"],
    ["none", ""],
  ])("not with %s", (_, map) => {
    expect(drawGroup(parseGroupMap(map), () => 0)).toBeUndefined();
  });

  test("which is in one of the ranges, never -1, never a low one", () => {
    const range = fc.record({ first: fc.nat(0xffff_fffe), count: fc.nat(0xffff_ffff) });
    fc.assert(
      fc.property(
        fc.array(range, { maxLength: 5 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (map, at) => {
          const group = drawGroup(map, (limit) => Math.min(Math.floor(at * limit), limit - 1));
          if (group === undefined) return;
          expect(group).toBeGreaterThanOrEqual(1024);
          expect(group).toBeLessThan(0xffff_ffff);
          expect(map.some(({ first, count }) => group >= first && group < first + count)).toBe(true);
        },
      ),
    );
  });
});

const readGroups = (): string | undefined =>
  /^Gid:.*$/m.exec(readFileSync("/proc/self/status", "ascii"))?.[0];

function fail(): never {
  throw new Error("no socket");
}

test("the thread has its own group again, also after a failure", () => {
  const before = readGroups();
  const group = process.getgid?.() ?? 0; // any user may have this one
  expect(underGroup(group, () => 7)).toBe(7);
  expect(() => underGroup(group, fail)).toThrow("no socket");
  expect(readGroups()).toBe(before);
});
