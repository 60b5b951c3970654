import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runToEnd } from "../../src/policy/steps.ts";
import { createLearnedAddresses, type LearnedAddresses } from "../../src/learned/learned-addresses.ts";
import type { LearnedSet } from "../../src/netfilter/learned-set.ts";

import { createWithheldAddresses } from "../../src/learned/withheld.ts";
import type { DomainName } from "../../src/policy/domain-name.ts";
import { compiledOf, nameOf } from "../support/policy.ts";

import {
  A,
  ADDRESS,
  addressOf,
  B,
  type Bench,
  createBench,
  learn,
  OTHER,
  policy,
  SIX,
  text,
} from "./learned-bench.ts";

/** One whose kernel has refused to hold its address longer, for a second name. */
function createRefusedBench(): Bench {
  const bench = createBench();
  learn(bench, A, ADDRESS, 240);
  bench.nowMs += 100_000;
  bench.kernel.refuseKey = text(ADDRESS);
  expect(learn(bench, B, ADDRESS, 240)).toBe(false);
  bench.kernel.refuseKey = undefined;
  return bench;
}

describe("learning", () => {
  test.each([
    { ttlSeconds: 0, livesSeconds: 60 },
    { ttlSeconds: 1, livesSeconds: 61 },
    { ttlSeconds: 120, livesSeconds: 180 },
    { ttlSeconds: 300, livesSeconds: 360 },
    { ttlSeconds: 2 ** 31, livesSeconds: 360 },
  ])(
    "an address with a TTL of $ttlSeconds s is in force for $livesSeconds s",
    ({ ttlSeconds, livesSeconds }) => {
      const bench = createBench();
      learn(bench, A, ADDRESS, ttlSeconds);
      expect(bench.kernel.held().get(text(ADDRESS))).toEqual({
        untilMs: bench.nowMs + livesSeconds * 1000,
        comment: "a.example",
      });
    },
  );

  test("an address that is in force long enough costs no batch", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 30);
    bench.nowMs += 5000;
    learn(bench, A, ADDRESS, 25);
    expect(bench.kernel.commits).toBe(1);
  });

  test("an address that would run out before the answer's TTL is renewed, never shortened", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 300);
    bench.nowMs += 10_000;
    learn(bench, A, ADDRESS, 1);
    expect(bench.kernel.held().get(text(ADDRESS))?.untilMs).toBe(bench.nowMs + 350_000);
    bench.nowMs += 340_000;
    learn(bench, B, ADDRESS, 100);
    expect(bench.kernel.held().get(text(ADDRESS))).toEqual({
      untilMs: bench.nowMs + 160_000,
      comment: "b.example a.example",
    });
  });

  test("two lookups of one batch that bring the same address leave it with the longer life", () => {
    const bench = createBench();
    bench.learned.learn(A, ADDRESS, 0, 4, 5);
    bench.learned.learn(B, ADDRESS, 0, 4, 250);
    expect(bench.learned.commit()).toBe(true);
    expect(bench.kernel.held().get(text(ADDRESS))?.untilMs).toBe(bench.nowMs + 310_000);
  });

  test("a refused batch is said, and its addresses are written anew when they come again", () => {
    const bench = createBench();
    bench.kernel.refuseKey = text(ADDRESS);
    expect(learn(bench, A, ADDRESS, 30)).toBe(false);
    expect(bench.refusals).toHaveLength(1);
    expect(bench.kernel.held().size).toBe(0);
    bench.kernel.refuseKey = undefined;
    expect(learn(bench, A, ADDRESS, 30)).toBe(true);
    expect(bench.kernel.held().has(text(ADDRESS))).toBe(true);
  });

  test("an address that the kernel refused to hold longer is not held shorter for that", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 240);
    bench.nowMs += 100_000;
    const untilMs = bench.nowMs + 300_000;
    bench.kernel.refuseKey = text(ADDRESS);
    expect(learn(bench, B, ADDRESS, 240)).toBe(false);
    bench.kernel.refuseKey = undefined;
    expect(learn(bench, B, ADDRESS, 1)).toBe(true);
    expect(bench.kernel.held().get(text(ADDRESS))?.untilMs).toBe(untilMs);
  });

  test("whatever comes in whatever order, an address is in force for its TTL after each answer", () => {
    const steps = fc.array(
      fc.record({
        qname: fc.constantFrom(A, B),
        address: fc.constantFrom(ADDRESS, OTHER, SIX),
        ttlSeconds: fc.integer({ min: 0, max: 300 }),
        laterMs: fc.integer({ min: 0, max: 200_000 }),
      }),
      { maxLength: 40 },
    );
    fc.assert(
      fc.property(steps, (list) => {
        const bench = createBench();
        for (const { qname, address, ttlSeconds, laterMs } of list) {
          bench.nowMs += laterMs;
          learn(bench, qname, address, ttlSeconds);
          const held = bench.kernel.held().get(text(address));
          expect(held?.untilMs).toBeGreaterThanOrEqual(bench.nowMs + ttlSeconds * 1000);
        }
      }),
    );
  });
});

describe("a change of the policy", () => {
  test("takes out an address that no allowed name owns, and leaves its neighbours", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 30);
    learn(bench, B, OTHER, 30);
    const forgotten = runToEnd(bench.learned.forget(policy("b.example")));
    expect(forgotten.map(({ key }) => text(key))).toEqual([text(ADDRESS)]);
    expect([...bench.kernel.held().keys()]).toEqual([text(OTHER)]);
  });

  test("leaves an address that another allowed name owns too", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 30);
    learn(bench, B, ADDRESS, 30);
    expect(runToEnd(bench.learned.forget(policy("a.example")))).toEqual([]);
    expect(runToEnd(bench.learned.forget(policy("b.example")))).toEqual([]);
    expect(runToEnd(bench.learned.forget(policy("c.example")))).toHaveLength(1);
  });

  test("takes out an address that an address rule denies, whatever its name", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 30);
    learn(bench, A, SIX, 30);
    const denying = compiledOf({
      egress: [
        { action: "allow", target: "a.example" },
        { action: "deny", target: "192.0.2.0/24" },
      ],
    });
    expect(runToEnd(bench.learned.forget(denying)).map(({ key }) => text(key))).toEqual([text(ADDRESS)]);
  });

  test("that is taken back gives the addresses back with the life they had", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 240);
    const untilMs = bench.nowMs + 300_000;
    const forgotten = runToEnd(bench.learned.forget(policy()));
    bench.nowMs += 5000;
    bench.learned.restore(forgotten, policy("a.example"));
    expect(bench.kernel.held().get(text(ADDRESS))).toEqual({ untilMs, comment: "a.example" });
    expect(bench.kernel.revoked().has(text(ADDRESS))).toBe(false);
  });

  test("after drift the kernel holds what it should, and nothing else", () => {
    const bench = createBench();
    for (const address of [ADDRESS, OTHER, SIX]) learn(bench, A, address, 240);
    const wanted = new Map(bench.kernel.held());
    // One is deleted, one is to stay for a month, one is new.
    bench.kernel.remove(ADDRESS);
    bench.kernel.remove(SIX);
    bench.kernel.add(SIX, 30 * 86_400_000, "a.example");
    bench.kernel.add(Uint8Array.of(192, 0, 2, 99), 300_000, "a.example");
    bench.kernel.commit();
    bench.learned.reconcile();
    expect(new Map(bench.kernel.held())).toEqual(wanted);
    expect(bench.learned.size()).toBe(3);
  });

  test("after drift the kernel holds, too, what it was asked to hold longer and refused", () => {
    for (const isLost of [true, false]) {
      const bench = createRefusedBench();
      if (isLost) bench.kernel.remove(ADDRESS);
      bench.kernel.commit();
      bench.learned.reconcile();
      const held = { untilMs: bench.nowMs + 300_000, comment: "b.example a.example" };
      expect([...bench.kernel.held()]).toEqual([[text(ADDRESS), held]]);
    }
  });

  test("that is taken back gives back what the kernel had refused to hold longer", () => {
    const bench = createRefusedBench();
    const forgotten = runToEnd(bench.learned.forget(policy()));
    bench.learned.restore(forgotten, policy("a.example"));
    expect([...bench.kernel.held().keys()]).toEqual([text(ADDRESS)]);
  });

  test("that still denies gives nothing back", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 240);
    const forgotten = runToEnd(bench.learned.forget(policy()));
    bench.learned.restore(forgotten, policy("b.example"));
    expect(bench.kernel.held().size).toBe(0);
  });
});

const long = (index: number): DomainName => nameOf(`n${index}.${"x".repeat(60)}.${"y".repeat(40)}.example`);

/** What a new process starts with. */
function createAfter(before: Bench, set: LearnedSet = before.kernel): LearnedAddresses {
  return createLearnedAddresses({
    drawSeed: () => 0,
    set,
    nowMs: () => before.nowMs,
    onRefused: () => undefined,
    graceSeconds: 600,
    wildcardOf: () => undefined,
    withheld: createWithheldAddresses([], () => 0),
  });
}

describe("a restart", () => {
  test("takes over what the kernel holds, owners and time left included", () => {
    const before = createBench();
    learn(before, A, ADDRESS, 200);
    learn(before, B, SIX, 200);
    before.nowMs += 50_000;
    const after = createAfter(before);
    runToEnd(after.takeOver());
    expect(after.size()).toBe(2);
    expect(runToEnd(after.forget(policy("a.example"))).map(({ key }) => text(key))).toEqual([text(SIX)]);
  });

  test("reads a set again until nothing new shows, as an element that the kernel collects meanwhile hides another", () => {
    const bench = createBench();
    for (const address of [1, 2, 3, 4, 5]) learn(bench, A, Uint8Array.of(192, 0, 2, address), 300);
    let readings = 0;
    const set: LearnedSet = {
      ...bench.kernel,
      dump(family) {
        readings += 1;
        const [first = [], rest = []] = bench.kernel.dump(family);
        return [first, rest.slice(readings < 3 ? 3 - readings : 0)];
      },
    };
    const after = createAfter(bench, set);
    runToEnd(after.takeOver());
    expect(after.size()).toBe(5);
  });

  test("takes no more than there is room for, and has the kernel let go of the rest", () => {
    const bench = createBench();
    const next = createAfter(bench);
    for (let index = 0; index < next.capacity + 3; index++)
      bench.kernel.add(addressOf(index), 60_000, "a.example");
    bench.kernel.commit();
    runToEnd(next.takeOver());
    expect([next.size(), bench.kernel.held().size]).toEqual([next.capacity, next.capacity]);
  });

  test("lets go of an address whose owner is unknown at the first change", () => {
    const bench = createBench();
    bench.kernel.add(ADDRESS, 60_000, "");
    bench.kernel.commit();
    runToEnd(bench.learned.takeOver());
    expect(runToEnd(bench.learned.forget(compiledOf({ defaultAction: "allow" })))).toHaveLength(1);
  });

  test("never reads a name that was cut short: owners that do not fit are left out whole", () => {
    const bench = createBench();
    for (let index = 0; index < 8; index++) {
      learn(bench, long(index), ADDRESS, 1);
      bench.nowMs += 59_000;
    }
    const comment = bench.kernel.held().get(text(ADDRESS))?.comment ?? "";
    expect(comment.length).toBeLessThanOrEqual(251);
    for (const owner of comment.split(" ")) expect(owner).toMatch(/\.example$/);
  });
});
