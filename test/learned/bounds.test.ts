import { describe, expect, test } from "vitest";
import { runToEnd } from "../../src/policy/steps.ts";
import { octetKey } from "../../src/tables/octet-key.ts";
import type { DomainName } from "../../src/policy/domain-name.ts";
import { nameOf } from "../support/policy.ts";

import { A, ADDRESS, addressOf, B, createBench, learn, OTHER, policy, text } from "./learned-bench.ts";
const [limit, wildcardLimit, nameLimit] = [114_688, 8192, 1024];
/** So many go at once where a wildcard's bound is met. */
const EVICTED_TOGETHER = 32;
const own = (index: number): DomainName => nameOf(`n${index}.example`);
const longest = (index: number): DomainName =>
  nameOf(`n${index}.${"x".repeat(60)}.${"y".repeat(60)}.${"z".repeat(60)}.${"w".repeat(50)}.example`);

describe("bounds", () => {
  test("past the bound the address used longest ago goes, in the kernel too", () => {
    const bench = createBench();
    for (let index = 0; index < limit + 10; index++) {
      bench.learned.learn(own(index >> 9), addressOf(index), 0, 4, 300);
      if (index === 40_000) {
        bench.nowMs += 6000;
        bench.learned.learn(own(0), addressOf(3), 0, 4, 100);
      }
    }
    expect(bench.learned.commit()).toBe(true);
    expect(bench.learned.size()).toBe(limit);
    expect(bench.kernel.held().size).toBe(limit);
    const there = [2, 3, 10, 11].map((index) => bench.kernel.held().has(text(addressOf(index))));
    expect(there).toEqual([false, true, false, true]);
    expect(bench.learned.figures.evictions).toEqual({ name: 0, wildcard: 0, all: 10 });
  });

  test("an address that a flow uses is passed over", () => {
    const bench = createBench();
    for (let index = 0; index < limit; index++)
      bench.learned.learn(own(index >> 9), addressOf(index), 0, 4, 300);
    bench.learned.renew(new Set([octetKey(addressOf(0), 0, 4)]));
    bench.nowMs += 10_000;
    learn(bench, A, ADDRESS, 300);
    expect(bench.kernel.held().has(text(addressOf(0)))).toBe(true);
    expect(bench.kernel.held().has(text(addressOf(1)))).toBe(false);
  });

  test("a name that gives ever new addresses costs others none: its own oldest goes", () => {
    const bench = createBench();
    learn(bench, B, OTHER, 300);
    for (let index = 0; index < 2000; index++) bench.learned.learn(A, addressOf(index), 0, 4, 300);
    bench.learned.commit();
    expect(bench.kernel.held().size).toBe(nameLimit + 1);
    expect(bench.kernel.held().has(text(OTHER))).toBe(true);
    expect(bench.kernel.held().has(text(addressOf(2000 - nameLimit)))).toBe(true);
    expect(bench.learned.figures.evictions).toEqual({ name: 2000 - nameLimit, wildcard: 0, all: 0 });
  });

  test("so it is with all names below one wildcard", () => {
    const bench = createBench();
    learn(bench, B, OTHER, 300);
    for (let index = 0; index < 10_000; index++)
      bench.learned.learn(nameOf(`n${index}.wild.example`), addressOf(index), 0, 4, 300);
    bench.learned.commit();
    const inForce = bench.kernel.held().size - 1;
    expect(inForce).toBeLessThanOrEqual(wildcardLimit);
    expect(inForce).toBeGreaterThan(wildcardLimit - EVICTED_TOGETHER);
    expect(bench.kernel.held().has(text(OTHER))).toBe(true);
    expect(bench.kernel.held().has(text(addressOf(10_000 - inForce)))).toBe(true);
    expect(bench.learned.figures.evictions).toEqual({ name: 0, wildcard: 10_000 - inForce, all: 0 });
  });

  test("200 addresses an answer, all new each time, stay within the name's bound", () => {
    const bench = createBench();
    for (let answer = 0; answer < 50; answer++) {
      for (let index = 0; index < 200; index++)
        bench.learned.learn(A, addressOf(answer * 200 + index), 0, 4, 0);
      expect(bench.learned.commit()).toBe(true);
      const last = bench.kernel.held();
      expect(last.has(text(addressOf(answer * 200))) && last.has(text(addressOf(answer * 200 + 199)))).toBe(
        true,
      );
    }
    expect(bench.learned.size()).toBe(nameLimit);
  });

  test("the name that gave an address first is not pushed out by many that give it, too", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 300);
    for (let index = 0; index < 100; index++) learn(bench, own(index), ADDRESS, 300);
    expect(runToEnd(bench.learned.forget(policy("a.example")))).toEqual([]);
    expect(bench.learned.list(0, 1).addresses[0]?.owners).toEqual([
      ...[99, 98, 97, 96, 95, 94, 93].map(own),
      A,
    ]);
  });

  test("names of any length find room", () => {
    const bench = createBench();
    for (let index = 0; index < 40_000; index++)
      bench.learned.learn(longest(index), addressOf(index), 0, 4, 30);
    bench.learned.commit();
    expect(bench.learned.size()).toBeGreaterThan(30_000);
    expect(bench.kernel.held().size).toBe(bench.learned.size());
  });

  test("an address that was to go in a batch which the kernel refused is still known, so that a change takes it out", () => {
    const bench = createBench();
    for (let index = 0; index < limit; index++)
      bench.learned.learn(own(index >> 9), addressOf(index), 0, 4, 300);
    bench.learned.commit();
    bench.kernel.refuseKey = text(ADDRESS);
    expect(learn(bench, B, ADDRESS, 300)).toBe(false);
    bench.kernel.refuseKey = undefined;
    runToEnd(bench.learned.forget(policy()));
    expect(bench.kernel.held().size).toBe(0);
  });

  test("what has run out makes room as new addresses come", () => {
    const bench = createBench();
    for (let index = 0; index < 1000; index++) learn(bench, A, addressOf(index), 1);
    bench.nowMs += 100_000;
    for (let index = 0; index < 600; index++) learn(bench, B, addressOf(2000 + index), 1);
    expect(bench.learned.size()).toBe(600);
  });
});
