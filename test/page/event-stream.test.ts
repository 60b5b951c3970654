import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createEventReader } from "../../src/page/model/event-stream.ts";

describe("a stream is read", () => {
  test.each([
    ["id: a-1\nevent: decision\ndata: {}\n\n", [{ id: "a-1", type: "decision", data: "{}" }]],
    ["data: one\ndata: two\n\n", [{ id: "", type: "message", data: "one\ntwo" }]],
    ["retry: 1000\n\n: alive\n\ndata:x\r\n\r\n", [{ id: "", type: "message", data: "x" }]],
    ["data: not ended\n", []],
  ])("%j", (text, events) => {
    expect(createEventReader().read(text)).toEqual(events);
  });

  test("the same in whatever pieces it comes", () => {
    const text = "id: a-1\nevent: decision\ndata: {}\n\n: alive\n\nevent: gap\ndata: 1\n\n";
    const whole = createEventReader().read(text);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (cuts) => {
        const reader = createEventReader();
        const places = [0, ...cuts.toSorted((one, other) => one - other), text.length];
        const events = places.flatMap((place, at) => reader.read(text.slice(place, places[at + 1] ?? place)));
        expect(events).toEqual(whole);
      }),
    );
  });

  test("an event without an end is not kept without one", () => {
    const reader = createEventReader(10);
    expect(() => reader.read("data: 0123456789")).toThrow(RangeError);
  });
});
