import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createFrameReader, frameMessage } from "../../../src/dns/io/tcp-framing.ts";

const anyMessages = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 6 });
const anyCuts = fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 40 });

/** The octets in pieces of these lengths, the rest in one. */
function cut(octets: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (const length of lengths) {
    chunks.push(octets.subarray(at, at + length));
    at += length;
  }
  return [...chunks, octets.subarray(at)];
}

const copy = (octets: Buffer, start: number, end: number): Buffer => Buffer.from(octets.subarray(start, end));

test("messages come out as they went in, however the stream is cut", () => {
  fc.assert(
    fc.property(anyMessages, anyCuts, fc.uint8Array({ maxLength: 1 }), (messages, cuts, rest) => {
      const read: Buffer[] = [];
      const reader = createFrameReader((...message) => void read.push(copy(...message)));
      const stream = Buffer.concat([...messages.map(frameMessage), rest]);
      for (const chunk of cut(stream, cuts)) expect(reader.push(chunk)).toBe(true);
      expect(read.map((message) => [...message])).toEqual(messages.map((message) => [...message]));
      expect(reader.isInside()).toBe(rest.length > 0);
    }),
  );
});

describe("a message that is announced to be longer than allowed", () => {
  test.each([
    [Buffer.of(0, 11)],
    [Buffer.concat([frameMessage(Buffer.alloc(10)), Buffer.of(0xff, 0xff, 1, 2)])],
  ])("ends the reading: %j", (stream) => {
    const read: Buffer[] = [];
    const reader = createFrameReader((...message) => void read.push(copy(...message)), 10);
    const ones = Array.from(stream, () => 1);
    expect(cut(stream, ones).map((chunk) => reader.push(chunk))).toContain(false);
    expect(reader.push(frameMessage(Buffer.from("late")))).toBe(false);
    expect(read.every((message) => message.length === 10)).toBe(true);
  });
});

test("a message is written behind its length", () => {
  const framed = frameMessage(Buffer.from("abc"));
  expect(framed.toString("hex")).toBe("0003616263");
});
