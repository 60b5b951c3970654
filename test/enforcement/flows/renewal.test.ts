import { expect, test } from "vitest";
import { octetKey } from "../../../src/tables/octet-key.ts";
import { startRenewal } from "../../../src/enforcement/flows/renewal.ts";

const ADDRESS = Uint8Array.of(192, 0, 2, 7);

test("a round renews each destination once, however many flows go there", async () => {
  const rounds: ReadonlySet<string>[] = [];
  const renewal = startRenewal({
    nowMs: () => 0,
    learned: { size: () => 1, hasLapsedSince: () => false, renew: (inUse) => void rounds.push(inUse) },
    sources: [
      async (tell) => {
        tell(ADDRESS);
        tell(ADDRESS);
      },
    ],
    onFault: (error) => {
      throw error;
    },
  });
  await renewal.run();
  await renewal.stop();
  expect(rounds).toEqual([new Set([octetKey(ADDRESS, 0, 4)])]);
});

test("with nothing learned the flows are not even listed", async () => {
  let listed = 0;
  const renewal = startRenewal({
    nowMs: () => 0,
    learned: { size: () => 0, hasLapsedSince: () => false, renew: () => undefined },
    sources: [async () => void listed++],
    onFault: () => undefined,
  });
  await renewal.run();
  await renewal.stop();
  expect(listed).toBe(0);
});

test("a round that fails is told, and the next one runs all the same", async () => {
  const faults: unknown[] = [];
  let renewed = 0;
  let fails = true;
  const renewal = startRenewal({
    nowMs: () => 0,
    learned: { size: () => 1, hasLapsedSince: () => false, renew: () => void renewed++ },
    sources: [
      async () => {
        if (fails) throw new Error("no conntrack");
      },
    ],
    onFault: (error) => faults.push(error),
  });
  await renewal.run();
  fails = false;
  await renewal.run();
  await renewal.stop();
  expect(faults).toEqual([new Error("no conntrack")]);
  expect(renewed).toBe(1);
});

test("where one source fails, what the other knows is renewed", async () => {
  const rounds: ReadonlySet<string>[] = [];
  const faults: unknown[] = [];
  const renewal = startRenewal({
    nowMs: () => 0,
    learned: { size: () => 1, hasLapsedSince: () => false, renew: (inUse) => void rounds.push(inUse) },
    sources: [() => Promise.reject(new Error("no conntrack")), async (tell) => tell(ADDRESS)],
    onFault: (error) => faults.push(error),
  });
  await renewal.run();
  await renewal.stop();
  expect(faults).toEqual([new Error("no conntrack")]);
  expect(rounds).toEqual([new Set([octetKey(ADDRESS, 0, 4)])]);
});

test("before flows are judged again there is a round where an address's time ran out since the last one", async () => {
  let [rounds, nowMs] = [0, 1000];
  const since: number[] = [];
  let hasLapsed = false;
  const renewal = startRenewal({
    nowMs: () => nowMs,
    learned: {
      size: () => 1,
      renew: () => void rounds++,
      hasLapsedSince: (roundMs) => {
        since.push(roundMs);
        return hasLapsed;
      },
    },
    sources: [async () => void (nowMs += 5)],
    onFault: (error) => {
      throw error;
    },
  });
  await renewal.catchUp();
  expect(rounds).toBe(0);
  hasLapsed = true;
  nowMs = 2000;
  await renewal.catchUp();
  await renewal.catchUp();
  expect(rounds).toBe(2);
  expect(since).toEqual([1000, 1000, 2000]);
  await renewal.stop();
});
