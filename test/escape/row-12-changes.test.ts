/**
 * Row 12: flows across a change that denies them. Row 13: lookups while names are denied. Row 16: a sidecar
 * that is killed.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { hammeredFrames, startHammer, wasHammeredNameAsked } from "../support/hammer.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { startAttack } from "./attack.ts";

const POLICY = {
  egress: ["one.example.org", "two.example.org"].map((target) => ({ action: "allow", target })),
};
const endedShape = z.object({ flow: z.string(), how: z.string() });

const lab = useLab();
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({ policy: POLICY });
});

const change = async (action: "allow" | "deny"): Promise<void> => {
  const body = [{ action, target: "one.example.org" }];
  expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
};
const endsOf = (flows: JsonServer): Record<string, string> =>
  Object.fromEntries(
    flows.lines
      .filter(({ event }) => event === "ended")
      .map((line) => endedShape.parse(line))
      .map(({ flow, how }) => [flow, how]),
  );
const connections = (clients: readonly JsonServer[]): number =>
  clients.flatMap(({ lines }) => lines.filter(({ event }) => event === "connected")).length;
const framesTo = async (address: string) =>
  (await lab.canary.frames()).filter(({ destination }) => destination === address).length;

describe.each(FAMILIES)("$name", (family: Family) => {
  test("row 12: a change cuts what it denies, in both directions, and nothing else", async (context) => {
    skipWithoutFamily(context, lab, family);
    for (const name of ["one", "two"]) await lab.dig("-t", family.qtype, `${name}.example.org`);
    await using denied = await startAttack(lab, "flows", "hold", family.one, "one.example.org");
    await using neighbour = await startAttack(lab, "flows", "hold", family.two, "two.example.org");
    expect([endsOf(denied), endsOf(neighbour)]).toEqual([{}, {}]);
    await change("deny");
    const cut = await until("the flows in use are cut", () => {
      const ends = endsOf(denied);
      return ["upload", "download", "udp out"].every((flow) => flow in ends) && ends;
    });
    expect(cut).toMatchObject({
      upload: expect.stringMatching(/ECONNRESET|EPIPE|ECONNREFUSED|ECONNABORTED/),
      "udp out": expect.stringMatching(/EPERM|EACCES|ECONNABORTED|EDESTADDRREQ/),
    });
    const before = await framesTo(family.one);
    denied.process.stdin.write("now\n");
    const all = await until(
      "so are the idle one and what only receives",
      () => Object.keys(endsOf(denied)).length === 5 && endsOf(denied),
    );
    // Idle sockets are ended behind the change's answer; one that is used before is reset on its next packet.
    expect(all["idle"]).toMatch(/ECONNABORTED|EPIPE|ECONNRESET/);
    expect(await framesTo(family.one)).toBe(before);
    expect(endsOf(neighbour)).toEqual({});
    await change("allow");
  });

  test("row 13: after the answer to a change the denied name is reached by no lookup that was under way", async (context) => {
    skipWithoutFamily(context, lab, family);
    const clients = await Promise.all(
      Array.from({ length: 2 }, () => startAttack(lab, "flows", "churn", "one.example.org", family.upstream)),
    );
    for (let round = 0; round < 12; round++) {
      await change("deny");
      const before = await framesTo(family.one);
      await sleep(20);
      expect([round, await framesTo(family.one)]).toEqual([round, before]);
      const connected = connections(clients);
      await change("allow");
      await until("they get through", () => connections(clients) > connected);
    }
    let [rounds, connected] = [0, 0];
    for (const client of clients) {
      client.process.stdin.end();
      const done = await until("it stops", () => client.lines.find(({ event }) => event === "done"));
      const counted = z.object({ rounds: z.number(), connected: z.number() }).parse(done);
      rounds += counted.rounds;
      connected += counted.connected;
    }
    expect(rounds).toBeGreaterThan(24);
    expect(connected).toBeGreaterThan(5);
  });
});

test("row 16: through kills in every phase nothing leaks", async () => {
  await using hammer = await startHammer(lab);
  const before = (await lab.canary.frames()).length;
  for (const [signal, afterMs] of [
    ["SIGTERM", 0],
    ["SIGKILL", 120],
    ["SIGKILL", 300],
    ["SIGTERM", 450],
  ] as const) {
    await sidecar.kill(signal);
    const short = await lab.startSidecar({ policy: POLICY, awaitHealth: false });
    await sleep(afterMs);
    await short.kill("SIGKILL");
    sidecar = await lab.startSidecar({ policy: POLICY });
    const body = [{ action: "deny", target: "one.example.org" }];
    const changing = sidecar.api("PATCH", "/policy", { body }).catch(() => undefined);
    await sleep(afterMs / 50);
    await sidecar.kill("SIGKILL");
    await changing;
  }
  sidecar = await lab.startSidecar({ policy: POLICY });
  expect(await hammer.stop()).toBeGreaterThan(20);
  expect(hammeredFrames((await lab.canary.frames()).slice(before))).toEqual([]);
  expect(wasHammeredNameAsked(lab)).toBe(false);
});
