import { expect, test } from "vitest";
import { createFirstSilence, type FirstSilence } from "../../../src/dns/upstream/first-silence.ts";

interface Told {
  readonly silence: FirstSilence;
  reports: number;
  hasAnswered: boolean;
  nowMs: number;
}

function create(): Told {
  const told: Told = {
    reports: 0,
    hasAnswered: false,
    nowMs: 1000,
    silence: createFirstSilence({
      nowMs: () => told.nowMs,
      hasAnswered: () => told.hasAnswered,
      report: () => (told.reports += 1),
    }),
  };
  return told;
}

function noteAfter(told: Told, ms: number): void {
  told.nowMs += ms;
  told.silence.note();
}

test("silence of half a second and more is reported once", () => {
  const told = create();
  noteAfter(told, 300);
  noteAfter(told, 0);
  expect(told.reports).toBe(0);
  noteAfter(told, 600);
  noteAfter(told, 600);
  expect(told.reports).toBe(1);
});

test.each([
  ["a lookup was answered meanwhile", (told: Told) => (told.hasAnswered = true)],
  ["a probe was answered meanwhile", (told: Told) => told.silence.end()],
])("nothing is reported if %s, and never after", (_case, answer) => {
  const told = create();
  noteAfter(told, 300);
  answer(told);
  noteAfter(told, 600);
  told.hasAnswered = false;
  noteAfter(told, 5000);
  expect(told.reports).toBe(0);
});
