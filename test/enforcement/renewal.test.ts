import { expect, test } from "vitest";
import { octetKey } from "../../src/enforcement/octet-key.ts";
import { startRenewal } from "../../src/enforcement/renewal.ts";

const ADDRESS = Uint8Array.of(192, 0, 2, 7);

test("a round renews each destination once, however many flows go there", async () => {
  const rounds: ReadonlySet<string>[] = [];
  const renewal = startRenewal({
    learned: { size: 1, renew: (inUse) => void rounds.push(inUse) },
    readFlows: async (tell) => {
      tell(ADDRESS);
      tell(ADDRESS);
    },
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
    learned: { size: 0, renew: () => undefined },
    readFlows: async () => void listed++,
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
    learned: { size: 1, renew: () => void renewed++ },
    readFlows: async () => {
      if (fails) throw new Error("no conntrack");
    },
    onFault: (error) => faults.push(error),
  });
  await renewal.run();
  fails = false;
  await renewal.run();
  await renewal.stop();
  expect(faults).toEqual([new Error("no conntrack")]);
  expect(renewed).toBe(1);
});
