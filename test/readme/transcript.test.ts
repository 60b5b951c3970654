import { describe, expect, test } from "vitest";
import { isShown, parseTranscript, steady } from "./transcript.ts";

test("a session is its commands, each with who typed it and what it printed", () => {
  const lines = ["a$ one \\", "    more", "said", "", "told", "", "b$ two", "$ three", "x$y"];
  expect(parseTranscript(lines)).toEqual([
    { who: "a", command: "one \\\n    more", output: ["said", "", "told"] },
    { who: "b", command: "two", output: [] },
    { who: "", command: "three", output: ["x$y"] },
  ]);
});

describe("what is shown and what was printed are the same", () => {
  test.each<[shown: string[], printed: string[], same: boolean]>([
    [[], [], true],
    [["a"], ["a"], true],
    [["a"], ["b"], false],
    [["a"], [], false],
    [[], ["a"], false],
    [["a", "..."], ["a"], true],
    [["..."], ["a", "b"], true],
    [["a", "...", "c"], ["a", "b", "b", "c"], true],
    [["a", "   ...", "c"], ["a", "b", "d"], false],
    [["...", "b", "...", "b"], ["a", "b"], false],
  ])("%j, %j: %j", (shown, printed, same) => {
    expect(isShown(shown, printed)).toBe(same);
  });
});

test("times, octets, message ids and subnets of a run do not count; other numbers do", () => {
  expect(
    steady(["", "after 29 ms, in 3.7 s", "both: 17408 and 15360 octets", "id: 35043", "port 80 ", ""]),
  ).toEqual(["after # ms, in # s", "both: # and # octets", "id: #", "port 80"]);
  expect(steady(["10.213.4.90 (nft table inet egress_run_71c3a042)"])).toEqual([
    "10.213.#.# (nft table inet egress_run_#)",
  ]);
});
