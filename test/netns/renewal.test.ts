/**
 * An address that a flow uses outlives its time, and is kept for a grace time after; so a later change does
 * not cut the flow, and a pool may come back. Takes the shortest life there is, 60 s.
 */
import { beforeAll, expect, test } from "vitest";
import { urlAt } from "../support/curl.ts";
import { type Download, startDownload } from "../support/download.ts";
import { FAMILIES, type Family, urlOf } from "../support/families.ts";
import { readAddresses, readSet } from "../support/kernel-sets.ts";
import { WAIT_MS } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ upstream: { ttlSeconds: 0 } });
let families: readonly Family[];
beforeAll(async () => {
  families = FAMILIES.filter(({ name }) => name === "IPv4" || lab.ipv6);
});

const setOf = ({ set }: Family): string => `dyn_allow_${set}`;
const threeOf = ({ one }: Family): string => one.replace(/1$/, "3");

async function secondsLeft(family: Family, address: string): Promise<number> {
  const held = await readSet(lab.sandbox, setOf(family));
  return held.find((element) => element.address === address)?.expiresSeconds ?? 0;
}

async function expectGoingOn(downloads: readonly Download[]): Promise<void> {
  for (const download of downloads) {
    const before = download.octets();
    await until("the download goes on", () => download.octets() > before + 4096);
    expect(download.hasEnded()).toBe(false);
    await download.stop();
  }
}

test("flows older than their lookup's time go on across a change, however late they began; what none used has run out", async () => {
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "*.example.org" }] },
  });
  const early = await Promise.all(
    families.map(({ flag }) => startDownload(lab, "http://one.example.org/slow", flag)),
  );
  for (const { flag } of families)
    expect(await lab.curl(flag, "http://three.example.org/")).toMatchObject({ status: 200 });
  for (const { qtype } of families) await lab.dig("two.example.org", qtype);
  for (const family of families) {
    expect(await readAddresses(lab.sandbox, setOf(family))).toContain(family.two);
    // Rounds come each 20 s from the start on: half-way between two of them is when the time is to be over.
    await until("ten seconds have passed", async () => (await secondsLeft(family, family.two)) <= 50);
  }
  for (const { qtype } of families) await lab.dig("a.wild.example.org", qtype);
  // No round of flows sees these before the time of their address is over.
  const late = await Promise.all(
    families.map(async (family) => {
      await until(
        "the address is about to run out",
        async () => (await secondsLeft(family, family.wild)) <= 2,
        2 * WAIT_MS,
      );
      return startDownload(lab, urlAt(family.wild, "http://a.wild.example.org/slow"));
    }),
  );
  for (const family of families) {
    await until(
      "what none uses has run out",
      async () => !(await readAddresses(lab.sandbox, setOf(family))).includes(family.two),
    );
    await until(
      "so has what no round has seen to be used",
      // Not the seconds that it has left: nft(8) rounds them down to none while it is still in force.
      async () => !(await readAddresses(lab.sandbox, setOf(family))).includes(family.wild),
    );
  }
  const body = [{ action: "deny", target: "two.example.org" }];
  expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
  await expectGoingOn([...early, ...late]);
  for (const family of families) {
    // The grace time is ten minutes.
    for (const address of [family.one, family.wild, threeOf(family)])
      expect([address, await secondsLeft(family, address)]).toEqual([
        address,
        expect.toSatisfy((left: number) => left >= 600),
      ]);
    expect(await lab.curl(...urlAt(threeOf(family), "http://three.example.org/"))).toMatchObject({
      status: 200,
    });
    expect(await lab.curl(urlOf(family.two))).toMatchObject({ exitCode: 7 });
  }
});
