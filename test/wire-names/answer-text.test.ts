import { array, integer, record, sample } from "fast-check";
import { expect, test } from "vitest";
import { createAnswerText } from "../../src/wire-names/answer-text.ts";

const START = 0xffff_fff0;
const MAX = 40;
const WHOLE = Buffer.from(Array.from({ length: 100 }, (_, index) => index));
const at = (place: number): number => (START + place) >>> 0;

test("is in order, whatever order its pieces come in, and says nothing behind a gap", () => {
  const answer = createAnswerText(START, MAX);
  answer.take(at(20), WHOLE.subarray(20, 40));
  answer.take(at(4), WHOLE.subarray(4, 12));
  expect(answer.text()).toEqual(Buffer.alloc(0));
  answer.take(at(-3), Buffer.from([9, 9, 9, 0, 1, 2, 3, 4]));
  expect(answer.text()).toEqual(WHOLE.subarray(0, 12));
  answer.take(at(10), WHOLE.subarray(10, 100));
  expect(answer.text()).toEqual(WHOLE.subarray(0, MAX));
  expect(answer.size()).toBe(MAX);
});

test("is over once more has come than numbers can tell apart", () => {
  const answer = createAnswerText(START, MAX);
  answer.take(at(2 ** 30 + 1), WHOLE);
  answer.take(at(0), WHOLE);
  expect(answer.text()).toEqual(Buffer.alloc(0));
});

test("random pieces make a beginning of the whole, as long as no octet is missing, within its bound", () => {
  const piece = record({ from: integer({ min: -5, max: 60 }), length: integer({ min: 0, max: 30 }) });
  for (const pieces of sample(array(piece, { maxLength: 12 }), 2000)) {
    const answer = createAnswerText(START, MAX);
    const there = new Set<number>();
    for (const { from, length } of pieces) {
      const padded = Buffer.concat([Buffer.alloc(5), WHOLE]);
      answer.take(at(from), padded.subarray(from + 5, from + 5 + length));
      for (let place = from; place < from + length; place++) there.add(place);
      expect(answer.size()).toBeLessThanOrEqual(2 * MAX);
    }
    let end = 0;
    while (there.has(end) && end < MAX) end += 1;
    // What found no room behind a gap is missing.
    expect(answer.text().length).toBeLessThanOrEqual(end);
    expect(answer.text()).toEqual(WHOLE.subarray(0, answer.text().length));
  }
});
