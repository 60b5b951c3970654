/**
 * SIGKILL at random instants of a stream of changes: the next start finds the old policy or the new one,
 * whole, and the kernel follows it.
 */
import { randomInt } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { kernelOf, type PolicyInput, readDisk, readKernel, readMemory } from "../support/policy-places.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

/** Kills end when either is reached. */
const KILLS = 60;
const LIMIT_MS = 30_000;
/** However long they take on a busy machine. */
const FEWEST = 4;
const RULES = 120;

const lab = useLab();

/** No two versions share an address, so any mixture shows; none joins a neighbour in an interval. */
function versionOf(number: number): PolicyInput {
  const addresses = Array.from(
    { length: RULES },
    (_, index) => `2001:db8:${(number + 1).toString(16)}::${(index * 2 + 1).toString(16)}`,
  );
  return {
    egress: [
      { action: "allow", target: `v${number}.wild.example.org` },
      ...addresses.map((target, index) => ({ action: index % 2 === 0 ? "allow" : "deny", target }) as const),
    ],
  };
}

interface Outcome {
  /** The last version that was answered with 200, and the one under way at the end. */
  readonly answered: number;
  readonly tried: number;
  readonly lastChangeMs: number;
}

/** Changes the policy version by version until the process is gone. */
async function changeUntilKilled(sidecar: Sidecar, first: number): Promise<Outcome> {
  let [answered, lastChangeMs] = [first, 0];
  for (let version = first + 1; ; version += 1) {
    const began = performance.now();
    const answer = await sidecar.api("PUT", "/policy", { body: versionOf(version) }).catch(() => undefined);
    if (answer === undefined) return { answered, tried: version, lastChangeMs };
    expect(answer).toMatchObject({ status: 200 });
    [answered, lastChangeMs] = [version, performance.now() - began];
  }
}

/** That memory, disk and kernel are of one version, whole; gives back its number. */
async function expectOneVersion(sidecar: Sidecar): Promise<number> {
  const memory = await readMemory(sidecar);
  const version = Number(/\d+/.exec(memory.egress[0]?.target ?? "")?.[0]);
  expect(memory).toEqual({ ...versionOf(version), defaultAction: "deny" });
  expect(await readDisk(lab)).toEqual(memory);
  expect(await readKernel(lab)).toEqual(kernelOf(versionOf(version)));
  expect(sidecar.output()).not.toContain("corrupt");
  return version;
}

test("after a kill the policy is the last one answered or the one under way, never a mixture", async () => {
  const deadline = performance.now() + LIMIT_MS;
  const first = await lab.startSidecar();
  const begun = performance.now();
  expect(await first.api("PUT", "/policy", { body: versionOf(0) })).toMatchObject({ status: 200 });
  let changeMs = performance.now() - begun;
  await first.kill("SIGKILL");

  const outcomes = { kills: 0, underWayTaken: 0, underWayLost: 0 };
  let allowed = [0];
  while (outcomes.kills < FEWEST || (outcomes.kills < KILLS && performance.now() < deadline)) {
    await using sidecar = await lab.startSidecar();
    const version = await expectOneVersion(sidecar);
    expect(allowed).toContain(version);
    if (allowed.length > 1 && version === allowed[1]) outcomes.underWayTaken += 1;
    else outcomes.underWayLost += 1;

    const changing = changeUntilKilled(sidecar, version);
    await sleep(randomInt(1, Math.ceil(3 * changeMs)));
    await sidecar.kill("SIGKILL");
    const { answered, tried, lastChangeMs } = await changing;
    if (lastChangeMs > 0) changeMs = lastChangeMs;
    allowed = [answered, tried];
    outcomes.kills += 1;
  }
  expect(outcomes.kills).toBeGreaterThanOrEqual(FEWEST);
  console.info(outcomes);
});
