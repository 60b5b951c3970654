import { describe, expect, test } from "vitest";
import { expandName, sameName, skipName } from "../../../src/dns/wire/compressed-name.ts";

/** A header, then octets as written: texts are labels, numbers are octets. */
function message(...parts: readonly (string | number)[]): Buffer {
  const octets = parts.map((part) =>
    typeof part === "number" ? Buffer.of(part) : Buffer.concat([Buffer.of(part.length), Buffer.from(part)]),
  );
  return Buffer.concat([Buffer.alloc(12), ...octets]);
}
function expand(octets: Buffer, at: number): string | undefined {
  const out = Buffer.alloc(300);
  const end = expandName(octets, 0, at, octets.length, { octets: out, at: 0 });
  return end < 0 ? undefined : out.toString("latin1", 0, end);
}

test("a name behind a pointer is written out (RFC 1035 section 4.1.4)", () => {
  // 12: www.example.  25: mail -> 16 (example.)
  const octets = message("www", "example", 0, "mail", 0xc0, 16);
  expect(expand(octets, 25)).toBe("\u0004mail\u0007example\0");
  expect(skipName(octets, 25, octets.length)).toBe(octets.length);
});

describe("a pointer is refused", () => {
  test.each<[string, Buffer, number]>([
    ["to itself", message(0xc0, 12), 12],
    ["to a later place", message(0xc0, 14, "a", 0), 12],
    ["past the end", message("a", 0, 0xff, 0xff), 15],
    ["in a ring of names", message("a", 0xc0, 12), 12],
    ["into the header, which is another in what the client gets", message("a", 0, 0xc0, 4), 15],
    ["cut in half", message("a", 0, 0xc0), 15],
  ])("%s", (_what, octets, at) => {
    expect(expand(octets, at)).toBeUndefined();
    expect(sameName(octets, 0, at, at, octets.length) && expand(octets, at) !== undefined).toBe(false);
  });

  test("cut in half at the end, whatever the arena holds behind it", () => {
    const octets = message("a", 0, 0xc0, 12);
    const out = Buffer.alloc(300);
    expect(expandName(octets, 0, 15, octets.length - 1, { octets: out, at: 0 })).toBe(-1);
  });
});

test("a name behind sixteen pointers in a row is read, and malformed behind one more", () => {
  const pointers = Array.from({ length: 17 }, (_, n) => [0xc0, n === 0 ? 12 : 15 + 2 * (n - 1)]).flat();
  const octets = message("a", 0, ...pointers);
  const [sixteenth, last] = [octets.length - 4, octets.length - 2];
  expect(expand(octets, sixteenth)).toBe("\u0001a\0");
  expect(sameName(octets, 0, sixteenth, 12, octets.length)).toBe(true);
  expect(expand(octets, last)).toBeUndefined();
  expect(sameName(octets, 0, last, 12, octets.length)).toBe(false);
});

test.each<[string, number]>([
  ["01 label type", 0x40],
  ["10 label type", 0x80],
])("a label of the %s is malformed", (_what, octet) => {
  const octets = message(octet, 0);
  expect(skipName(octets, 12, octets.length)).toBe(-1);
  expect(expand(octets, 12)).toBeUndefined();
});

test("a name of 255 octets is the longest (RFC 1035 section 2.3.4)", () => {
  const label = "x".repeat(63);
  expect(expand(message(label, label, label, "x".repeat(61), 0), 12)).toHaveLength(255);
  expect(expand(message(label, label, label, "x".repeat(62), 0), 12)).toBeUndefined();
});

test("names are the same letter case apart (RFC 4343 section 3)", () => {
  // 12: wWw.example.  25: WwW -> 16
  const octets = message("wWw", "example", 0, "WwW", 0xc0, 16, "wwv", 0xc0, 16, "{", 0, "[", 0);
  expect(sameName(octets, 0, 12, 25, octets.length)).toBe(true);
  expect(sameName(octets, 0, 12, 31, octets.length)).toBe(false);
  expect(sameName(octets, 0, 37, 40, octets.length)).toBe(false);
});
