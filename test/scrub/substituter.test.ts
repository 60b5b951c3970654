import { array, assert, constantFrom, dictionary, nat, property, string as anyText } from "fast-check";
import { describe, expect, test } from "vitest";
import { createSubstituter } from "../../src/scrub/substituter.ts";
import { cut, runStream, substitutePlainly } from "./plain-models.ts";

const letters = anyText({ unit: constantFrom("a", "b", "_"), minLength: 1, maxLength: 6 });
const chunks = array(nat(4), { minLength: 1, maxLength: 4 });

function toSubstituter(fillings: Readonly<Record<string, string>>): ReturnType<typeof createSubstituter> {
  return createSubstituter(Object.entries(fillings).map(([placeholder, value]) => ({ placeholder, value })));
}

describe("in a text", () => {
  test.each([
    [{ __a__: "1" }, "x__a__y__a__", "x1y1", 2],
    [{ __a__: "1" }, "__A__ __a_", "__A__ __a_", 0],
    [{ __a: "1", __a__b: "2" }, "__a__b __a__c", "2 1__c", 2],
    [{ ab: "1", bc: "2" }, "abc", "1c", 1],
    [{ __a__: "__b__", __b__: "__a__" }, "__a____b__", "__b____a__", 2],
    [{ aa: "1" }, "aaa", "1a", 1],
    [{ é: "e" }, "café", "cafe", 1],
    [{}, "anything", "anything", 0],
  ])("%j in %s: %s", (fillings, read, text, count) => {
    const octets = Buffer.from(read).toString("latin1");
    expect(toSubstituter(fillings).substitute(octets)).toEqual({ text, count, misplaced: undefined });
  });
});

test("in a stream it gives the same as one that looks at each place, however the stream is cut", () => {
  assert(
    property(
      dictionary(letters, letters, { maxKeys: 5 }),
      anyText({ unit: constantFrom("a", "b", "_"), maxLength: 60 }),
      chunks,
      (fillings, read, lengths) => {
        const stream = toSubstituter(fillings).openStream();
        expect(runStream(stream, cut(read, lengths))).toBe(
          substitutePlainly(new Map(Object.entries(fillings)), read),
        );
      },
    ),
  );
});

test("what cannot begin a placeholder is passed on at once", () => {
  const stream = toSubstituter({ __a__: "1", __a__b__: "2" }).openStream();
  expect(String(stream.push(Buffer.from("x__a_")))).toBe("x");
  expect(String(stream.push(Buffer.from("_")))).toBe("");
  expect(String(stream.push(Buffer.from("c")))).toBe("1c");
  expect(stream.count()).toBe(1);
});

test("octets that are no text stay as they are", () => {
  const octets = Buffer.from([0xff, 0xfe, 0x00, 0x80, 0xc3]);
  const stream = toSubstituter({ __a__: "1" }).openStream();
  expect(Buffer.concat([stream.push(octets), stream.end()])).toEqual(octets);
});

test("lengths are kept if each value is as long as its placeholder", () => {
  expect(toSubstituter({ abc: "123", é: "12" }).keepsLength).toBe(true);
  expect(toSubstituter({ abc: "123", abcd: "123" }).keepsLength).toBe(false);
});

test("an empty placeholder, which is everywhere, is refused", () => {
  expect(() => toSubstituter({ "": "1" })).toThrow(RangeError);
});
