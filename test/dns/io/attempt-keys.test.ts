import { expect, test } from "vitest";
import { attemptKey, OPENINGS, PLACES, serialOf } from "../../../src/dns/io/attempt-keys.ts";
import { MAX_RETIRED } from "../../../src/dns/io/upstream-socket.ts";
import { SOCKETS_PER_UPSTREAM } from "../../../src/dns/io/upstream-sockets.ts";
import { MAX_UPSTREAMS } from "../../../src/dns/upstream/health.ts";

test("all sockets that may listen at once have keys of their own, in 31 bits, however often they were opened", () => {
  const sockets = MAX_UPSTREAMS * SOCKETS_PER_UPSTREAM;
  expect(sockets).toBeLessThanOrEqual(PLACES);
  for (const before of [0, OPENINGS - 1, 1_000_000]) {
    const keys = new Set<number>();
    for (let place = 0; place < sockets; place++) {
      for (let openings = before; openings <= before + MAX_RETIRED; openings++) {
        keys.add(attemptKey(serialOf(place, openings), 0xffff));
      }
    }
    expect(keys.size).toBe(sockets * (MAX_RETIRED + 1));
    expect(Math.min(...keys)).toBeGreaterThan(0);
    expect(Math.max(...keys)).toBeLessThan(2 ** 31);
    expect([...keys].every((key) => (key & 0xffff) === 0xffff)).toBe(true);
  }
});
