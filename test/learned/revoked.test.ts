import { expect, test } from "vitest";
import { createRevokedAddresses } from "../../src/learned/revoked.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { createFakeLearnedSet } from "../support/fake-learned-set.ts";

const ADDRESS = Uint8Array.of(192, 0, 2, 7);
const OTHER = Uint8Array.of(192, 0, 2, 8);

function createBench() {
  const clock = { nowMs: 1000 };
  const kernel = createFakeLearnedSet(() => clock.nowMs);
  return { clock, kernel, revoked: createRevokedAddresses(kernel, () => clock.nowMs) };
}

test("a revoked address is kept for an hour from the last time, with its names", () => {
  const { clock, kernel, revoked } = createBench();
  revoked.revoke(ADDRESS, "a.example");
  clock.nowMs += 600_000;
  revoked.revoke(ADDRESS, "b.example");
  kernel.commit();
  expect(kernel.revoked().get("192.0.2.7")).toEqual({ untilMs: 4_201_000, comment: "b.example" });
});

test("only those that a change admits are unrevoked", () => {
  const { kernel, revoked } = createBench();
  revoked.revoke(ADDRESS, "a.example");
  revoked.revoke(OTHER, "b.example");
  runToEnd(revoked.unrevokeWhere((_key, owners) => owners === "b.example"));
  kernel.commit();
  expect([...kernel.revoked().keys()]).toEqual(["192.0.2.7"]);
  expect([revoked.has(ADDRESS), revoked.has(OTHER)]).toEqual([true, false]);
});

test("a restart takes over names and time left", () => {
  const { clock, kernel, revoked } = createBench();
  revoked.revoke(ADDRESS, "a.example");
  kernel.commit();
  clock.nowMs += 3_000_000;
  const after = createRevokedAddresses(kernel, () => clock.nowMs);
  after.takeOver();
  expect(after.has(ADDRESS)).toBe(true);
  clock.nowMs += 700_000;
  runToEnd(after.unrevokeWhere(() => false));
  expect(after.has(ADDRESS)).toBe(false);
});

test("what drift took out is put back with the time it has left", () => {
  const { clock, kernel, revoked } = createBench();
  revoked.revoke(ADDRESS, "a.example");
  revoked.revoke(OTHER, "b.example");
  kernel.commit();
  kernel.unrevoke(ADDRESS);
  kernel.commit();
  clock.nowMs += 1000;
  revoked.takeOver();
  kernel.commit();
  expect(kernel.revoked().get("192.0.2.7")).toEqual({ untilMs: 3_601_000, comment: "a.example" });
});

test("past the bound the one that was denied longest ago goes", () => {
  const { kernel, revoked } = createBench();
  for (let index = 0; index <= 65_536; index++)
    revoked.revoke(Uint8Array.of(198, 18 + (index >> 16), (index >> 8) & 255, index & 255), "a.example");
  kernel.commit();
  expect(kernel.revoked().size).toBe(65_536);
  expect(kernel.revoked().has("198.18.0.0")).toBe(false);
});
