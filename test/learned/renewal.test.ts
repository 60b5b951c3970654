import { describe, expect, test } from "vitest";
import { octetKey } from "../../src/tables/octet-key.ts";

import { A, ADDRESS, createBench, learn, OTHER, text } from "./learned-bench.ts";
describe("renewal", () => {
  const IN_USE = new Set([octetKey(ADDRESS, 0, 4)]);

  test("an address that flows use stays in force, one that none uses runs out", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 1);
    learn(bench, A, OTHER, 1);
    for (let round = 0; round < 30; round++) {
      bench.nowMs += 20_000;
      bench.learned.renew(IN_USE);
      expect(bench.kernel.held().has(text(ADDRESS))).toBe(true);
    }
    expect(bench.kernel.held().has(text(OTHER))).toBe(false);
    // Not each round costs the kernel a batch.
    expect(bench.learned.figures.renewals).toBe(10);
  });

  test("after the last flow an address stays for the grace time, and then goes", () => {
    for (let rounds = 1; rounds < 8; rounds++) {
      const bench = createBench();
      learn(bench, A, ADDRESS, 1);
      for (let round = 0; round < rounds; round++) {
        bench.nowMs += 20_000;
        bench.learned.renew(IN_USE);
      }
      // The flow may have ended just before the next round.
      bench.nowMs += 20_000 + 600_000;
      expect(bench.kernel.held().has(text(ADDRESS))).toBe(true);
      bench.nowMs += 100_000;
      expect(bench.kernel.held().has(text(ADDRESS))).toBe(false);
    }
  });

  test("an address whose time ran out after the last round comes back for a flow that uses it", () => {
    const bench = createBench();
    learn(bench, A, ADDRESS, 0);
    bench.nowMs += 50_000;
    const roundMs = bench.nowMs;
    bench.learned.renew(new Set());
    expect(bench.learned.hasLapsedSince(roundMs)).toBe(false);
    bench.nowMs += 19_000;
    expect(bench.kernel.held().size).toBe(0);
    expect(bench.learned.hasLapsedSince(roundMs)).toBe(true);
    bench.learned.renew(IN_USE);
    expect(bench.kernel.held().get(text(ADDRESS))?.comment).toBe("a.example");
    expect(bench.learned.hasLapsedSince(roundMs)).toBe(false);
  });

  test("a flow to an address that no lookup has given opens nothing", () => {
    const bench = createBench();
    bench.learned.renew(IN_USE);
    expect(bench.kernel.held().size).toBe(0);
  });
});
