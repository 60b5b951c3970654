import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createUpstreamHealth, MAX_UPSTREAMS } from "../../../src/dns/upstream/health.ts";

const bits = (...upstreams: readonly number[]): number =>
  upstreams.reduce((all, upstream) => all | (1 << upstream), 0);

/** The order in which a lookup asks them all. */
function orderOf(health: ReturnType<typeof createUpstreamHealth>, count: number): readonly number[] {
  const order: number[] = [];
  while (order.length < count) order.push(health.choose(bits(...order), 0, order.length));
  return order;
}

test("upstreams are asked in the order of the settings", () => {
  expect(orderOf(createUpstreamHealth(3), 3)).toEqual([0, 1, 2]);
});

describe("a dead upstream comes last", () => {
  test("after three timeouts in a row", () => {
    const health = createUpstreamHealth(3);
    for (let i = 0; i < 2; i++) health.timedOut(0);
    expect(orderOf(health, 3)).toEqual([0, 1, 2]);
    health.timedOut(0);
    expect(orderOf(health, 3)).toEqual([1, 2, 0]);
    expect(health.isAlive(0)).toBe(false);
  });
  test("but not when it answers in between", () => {
    const health = createUpstreamHealth(2);
    for (let i = 0; i < 9; i++) (i % 3 === 2 ? health.answered : health.timedOut)(0);
    expect(health.isAlive(0)).toBe(true);
  });
  test("at once when a probe says so, until it answers, and then has its old place", () => {
    const health = createUpstreamHealth(3);
    health.markDead(0);
    health.markDead(1);
    expect(orderOf(health, 3)).toEqual([2, 0, 1]);
    health.answered(1);
    expect(orderOf(health, 3)).toEqual([1, 2, 0]);
    health.answered(0);
    expect(orderOf(health, 3)).toEqual([0, 1, 2]);
  });
});

test("once all have been asked, those that were no help are left out", () => {
  const health = createUpstreamHealth(3);
  const all = bits(0, 1, 2);
  expect([3, 4, 5].map((tries) => health.choose(all, bits(1), tries))).toEqual([0, 2, 2]);
  expect(health.choose(all, all, 3)).toBe(-1);
});

test("whatever happens, each is asked once before any is asked again", () => {
  const anyEvent = fc.tuple(fc.constantFrom("answered", "timedOut", "markDead" as const), fc.nat(4));
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      const health = createUpstreamHealth(5);
      for (const [event, upstream] of events) health[event](upstream);
      expect(orderOf(health, 5).toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
    }),
  );
});

test(`${MAX_UPSTREAMS} upstreams are the most`, () => {
  expect(orderOf(createUpstreamHealth(MAX_UPSTREAMS), MAX_UPSTREAMS)).toHaveLength(MAX_UPSTREAMS);
  expect(() => createUpstreamHealth(MAX_UPSTREAMS + 1)).toThrow(RangeError);
  expect(createUpstreamHealth(0).choose(0, 0, 0)).toBe(-1);
});
