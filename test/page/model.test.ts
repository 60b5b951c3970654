/** What the page makes of decisions: texts, counts over time, and what is denied most. */
import { describe, expect, test } from "vitest";
import {
  allowTargetOf,
  answerOf,
  type Decision,
  deciderOf,
  sideOf,
  subjectOf,
} from "../../src/page/model/decision.ts";
import { createDeniedTally } from "../../src/page/model/denied-tally.ts";
import { BUCKETS, BUCKET_SECONDS, createTimeline } from "../../src/page/model/timeline.ts";

const LOOKUP: Decision = {
  id: "a-1",
  time: "2026-01-02T03:04:05.000Z",
  kind: "lookup",
  decision: "denied",
  name: "one.example.org",
  type: "AAAA",
  addresses: [],
  layer: "default",
  rcode: "NXDOMAIN",
};
const CONNECTION: Decision = {
  id: "a-2",
  time: LOOKUP.time,
  kind: "connection",
  decision: "denied",
  protocol: "tcp",
  port: 443,
  addresses: ["2001:db8::7"],
  layer: "user",
  rule: "2001:db8::/32",
};

describe("a decision in words", () => {
  test("of a lookup", () => {
    expect(subjectOf(LOOKUP)).toBe("one.example.org AAAA");
    expect(deciderOf(LOOKUP)).toBe("default");
    expect(answerOf(LOOKUP)).toBe("NXDOMAIN");
    const given: Decision = {
      ...LOOKUP,
      decision: "allowed",
      addresses: ["192.0.2.1", "192.0.2.2"],
      moreAddresses: 3,
    };
    expect(answerOf(given)).toBe("192.0.2.1, 192.0.2.2 and 3 more");
  });

  test("of a connection", () => {
    expect(subjectOf(CONNECTION)).toBe("[2001:db8::7]:443 tcp");
    expect(subjectOf({ ...CONNECTION, addresses: ["192.0.2.7"], name: "one.example.org" })).toBe(
      "192.0.2.7:443 tcp (one.example.org)",
    );
    expect(deciderOf(CONNECTION)).toBe("user: 2001:db8::/32");
    expect(answerOf(CONNECTION)).toBe("");
  });

  test.each([
    ["allowed", "allowed"],
    ["denied", "denied"],
    ["withheld", "denied"],
    ["audited", "denied"],
    ["nodata", "other"],
    ["failed", "other"],
  ] as const)("%s is on the side %s", (decision, side) => {
    expect(sideOf({ decision })).toBe(side);
  });
});

test("what a rule would allow is the name or the address, and nothing that the operator or a protection denies", () => {
  expect(allowTargetOf(LOOKUP)).toBe("one.example.org");
  expect(allowTargetOf(CONNECTION)).toBe("2001:db8::7");
  expect(allowTargetOf({ ...LOOKUP, layer: "deny.always" })).toBeUndefined();
  expect(allowTargetOf({ ...CONNECTION, layer: "built-in" })).toBeUndefined();
});

describe("what is denied most", () => {
  test("is counted by target, and of equals the latest is first", () => {
    const tally = createDeniedTally();
    for (const name of ["one", "two", "two", "three"]) tally.count({ ...LOOKUP, name });
    tally.count({ ...LOOKUP, name: "allowed", decision: "allowed" });
    tally.count(CONNECTION);
    const shown = tally.top(3).map(({ target, count }) => `${target} ${count}`);
    expect(shown).toEqual(["two 2", "2001:db8::7 1", "three 1"]);
    tally.forget("two", Date.parse(LOOKUP.time));
    expect(tally.top(1)).toMatchObject([{ target: "2001:db8::7", canBeAllowed: true }]);
  });

  test("once it was allowed, is what is denied after that: a denial that is told late does not bring it back", () => {
    const tally = createDeniedTally();
    const denyAt = (time: string): void => tally.count({ ...LOOKUP, name: "two", time });
    denyAt("2026-01-01T00:00:01.000Z");
    tally.forget("two", Date.parse("2026-01-01T00:00:05.000Z"));
    denyAt("2026-01-01T00:00:05.000Z");
    expect(tally.top(9)).toEqual([]);
    denyAt("2026-01-01T00:00:06.000Z");
    denyAt("2026-01-01T00:00:04.000Z");
    expect(tally.top(9)).toMatchObject([{ target: "two", count: 2 }]);
  });

  test("past the bound the one goes that was denied longest ago", () => {
    const tally = createDeniedTally(2);
    for (const name of ["one", "one", "two", "one", "three"]) tally.count({ ...LOOKUP, name });
    expect(tally.top(9).map(({ target }) => target)).toEqual(["one", "three"]);
  });
});

describe("counts over time", () => {
  const BUCKET_MS = BUCKET_SECONDS * 1000;
  const nowMs = 1_000_000 * BUCKET_MS;

  test("stand in the bucket of their time, and the future in the newest", () => {
    const timeline = createTimeline();
    timeline.count("allowed", nowMs - BUCKET_MS, nowMs);
    timeline.count("denied", nowMs + 60_000, nowMs);
    const { seconds, allowed, denied } = timeline.read(nowMs);
    expect(seconds.at(-1)).toBe(nowMs / 1000);
    expect(allowed.slice(-2)).toEqual([1, 0]);
    expect(denied.slice(-2)).toEqual([0, 1]);
    expect(timeline.total(nowMs)).toEqual({ allowed: 1, denied: 1, other: 0 });
  });

  test("are forgotten when their time is over, and their place is used again", () => {
    const timeline = createTimeline();
    timeline.count("allowed", nowMs, nowMs);
    timeline.count("allowed", nowMs - BUCKETS * BUCKET_MS, nowMs);
    const laterMs = nowMs + BUCKETS * BUCKET_MS;
    expect(timeline.total(nowMs).allowed).toBe(1);
    expect(timeline.total(laterMs).allowed).toBe(0);
    timeline.count("other", laterMs, laterMs);
    expect(timeline.total(laterMs)).toEqual({ allowed: 0, denied: 0, other: 1 });
  });
});
