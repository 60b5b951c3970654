import { describe, expect, test } from "vitest";
import { createBusyPolling } from "../../../src/dns/io/busy-polling.ts";

/** A microsecond of clock for each look at it, and two for each socket that is read. */
function createBench() {
  let us = 0;
  let isWaiting = false;
  /** When the next datagram is there, from the last one on; undefined: none comes. */
  let nextAfterUs: number | undefined;
  let nextIs: "queries" | "answers" = "queries";
  let lastUs = 0;
  const reads = { queries: 0, answers: 0 };
  const handled = { queries: 0, answers: 0 };
  function read(kind: "queries" | "answers"): number {
    us += 2;
    reads[kind] += 1;
    if (nextIs !== kind || nextAfterUs === undefined || us - lastUs < nextAfterUs) return 0;
    lastUs = us;
    handled[kind] += 1;
    return 1;
  }
  const poll = createBusyPolling({
    readQueries: () => read("queries"),
    readAnswers: () => read("answers"),
    isWaiting: () => isWaiting,
    nowMs: () => ++us / 1000,
  });
  return {
    reads,
    handled,
    wait(next: boolean) {
      isWaiting = next;
    },
    comeAfter(next: number | undefined, kind: typeof nextIs = "queries") {
      nextAfterUs = next;
      nextIs = kind;
    },
    /** A pass of so many datagrams ends; returns how long it polled, in microseconds. */
    end(count: number): number {
      lastUs = us;
      poll(count);
      return us - lastUs;
    },
    take(): number {
      const sum = reads.queries + reads.answers;
      reads.queries = reads.answers = 0;
      return sum;
    },
  };
}

describe("after a pass with one datagram", () => {
  test("the next is read as it comes, and those after it, for half a millisecond and no longer", () => {
    const bench = createBench();
    bench.comeAfter(20);
    const lastedUs = bench.end(1) + 20 * bench.handled.queries;
    expect(bench.handled.queries).toBeGreaterThan(15);
    expect(bench.handled.queries).toBeLessThan(30);
    expect(lastedUs).toBeLessThan(1200);
  });
  test("answers are looked for where lookups wait, and not elsewhere", () => {
    const bench = createBench();
    bench.comeAfter(20);
    bench.end(1);
    expect(bench.reads.answers).toBe(0);
    bench.wait(true);
    bench.comeAfter(20, "answers");
    bench.end(1);
    expect(bench.handled.answers).toBeGreaterThan(10);
  });
  test("a look in vain is over after some tens of microseconds, and the more follow each other the fewer there are", () => {
    const bench = createBench();
    const looks: number[] = [];
    for (let pass = 0; pass < 2000; pass++) {
      const lastedUs = bench.end(1);
      expect(lastedUs).toBeLessThan(70);
      if (bench.take() > 0) looks.push(pass);
    }
    expect(looks.slice(0, 6)).toEqual([0, 2, 6, 14, 30, 62]);
    expect(looks.length).toBeLessThan(20);
  });
  test("one that has paid makes the backOff anew", () => {
    const bench = createBench();
    for (let pass = 0; pass < 7; pass++) bench.end(1);
    bench.comeAfter(20);
    for (let pass = 0; pass < 8; pass++) bench.end(1);
    expect(bench.handled.queries).toBeGreaterThan(0);
    bench.take();
    bench.comeAfter(undefined);
    bench.end(1);
    expect(bench.take()).toBeGreaterThan(0);
  });
  test("vain looks for queries leave the look for answers as it is", () => {
    const bench = createBench();
    for (let pass = 0; pass < 40; pass++) bench.end(1);
    bench.take();
    bench.wait(true);
    bench.end(1);
    expect(bench.reads.answers).toBeGreaterThan(0);
  });
});

describe("under load", () => {
  test("what is there at the first poll is read, and then it does not look for a while", () => {
    const bench = createBench();
    bench.comeAfter(0);
    bench.end(1);
    expect(bench.take()).toBe(1);
    for (let pass = 0; pass < 60; pass++) bench.end(1);
    expect(bench.take()).toBe(0);
    for (let pass = 0; pass < 5; pass++) bench.end(1);
    expect(bench.take()).toBe(1);
  });
  test("after a pass with many there is one poll, some microseconds later", () => {
    const bench = createBench();
    const lastedUs = bench.end(10);
    expect(bench.take()).toBe(1);
    expect(lastedUs).toBeGreaterThanOrEqual(5);
    expect(lastedUs).toBeLessThan(12);
  });
});

test("a pass that has read nothing is followed by no look", () => {
  const bench = createBench();
  bench.end(0);
  expect(bench.take()).toBe(0);
});
