import { assert, property, uint8Array } from "fast-check";
import { expect, test } from "vitest";
import { decodeOctets, encodeOctets } from "../../../../src/cli/run/given/octet-text.ts";

test("UTF-8 is the text that it is, and so is U+FFFD itself", () => {
  for (const text of ["", "café", "日本 🚀", "\ufffd"]) {
    expect(decodeOctets(Buffer.from(text))).toBe(text);
    expect(encodeOctets(text)).toEqual(Buffer.from(text));
  }
});

test.each([
  ["caf\xe9", "caf\udce9"],
  ["\xc3\xc2\xa9", "\udcc3©"],
  ["\xed\xb3\xa9", "\udced\udcb3\udca9"],
  ["\xef\xbf\xbd\xff", "\ufffd\udcff"],
  ["\xf0\x9f\x9a", "\udcf0\udc9f\udc9a"],
])("what is no UTF-8 in it is kept: %j", (octets, text) => {
  expect(decodeOctets(Buffer.from(octets, "latin1"))).toBe(text);
  expect(encodeOctets(text).toString("latin1")).toBe(octets);
});

test("any octets come back as they were", () => {
  assert(
    property(uint8Array(), (octets) => {
      expect(encodeOctets(decodeOctets(Buffer.from(octets)))).toEqual(Buffer.from(octets));
    }),
  );
});
