/**
 * A lookup and an immediate connect: the kernel has the address before the client has the answer. Every name
 * is new.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startDownload } from "../support/download.ts";
import { INTERNET_V4, INTERNET_V6 } from "../support/lab.ts";
import { lookUpAndConnect, renderHosts } from "../support/lookup-connect.ts";
import { type Sidecar, WITHOUT_BOUNDS } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = {
  egress: [
    { action: "allow", target: "*.new.example.org" },
    { action: "allow", target: "one.example.org" },
  ],
};
const ALL_WELL = { failed: 0, failures: [] };

const folder = await mkdtemp(join(tmpdir(), "egress-hosts-"));
const hosts = join(folder, "hosts");
beforeAll(async () => {
  await writeFile(hosts, renderHosts(8_000));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const lab = useLab({ upstream: { extra: [`addn-hosts=${hosts}`] } });
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { ...WITHOUT_BOUNDS, OPENSANDBOX_EGRESS_LOG_LEVEL: "warn" },
  });
});

const resolvers = (...transports: readonly string[]): readonly string[] =>
  transports.flatMap((transport) => [
    `${transport}:${INTERNET_V4}`,
    ...(lab.ipv6 ? [`${transport}:${INTERNET_V6}`] : []),
  ]);

test("2,000 names one after the other: no connect is refused", async () => {
  const run = { first: 0, count: 2_000, workers: 1, resolvers: resolvers("udp") };
  expect(await lookUpAndConnect(lab, run)).toMatchObject({ attempts: 2_000, ...ALL_WELL });
});

test("2,000 names with 32 in flight: no connect is refused", async () => {
  const run = { first: 2_000, count: 2_000, workers: 32, resolvers: resolvers("udp") };
  expect(await lookUpAndConnect(lab, run)).toMatchObject({ attempts: 2_000, ...ALL_WELL });
});

test("400 names over TCP: no connect is refused", async () => {
  const run = { first: 4_000, count: 400, workers: 8, resolvers: resolvers("tcp") };
  expect(await lookUpAndConnect(lab, run)).toMatchObject({ attempts: 400, ...ALL_WELL });
});

test("changes while 200 lookups a second run: no answer is lost, no connect refused, no download cut", async () => {
  const download = await startDownload(lab, "http://one.example.org/slow", "-4");
  const run = {
    first: 5_000,
    count: 1_600,
    workers: 40,
    rate: 200,
    resolvers: resolvers("udp", "udp", "tcp"),
  };
  const running = new Set(["lookups"]);
  const finished = lookUpAndConnect(lab, run).finally(() => running.clear());
  let changes = 0;
  while (running.size > 0) {
    // Denies, allows, and takes away again something that the lookups have nothing to do with.
    const targets = [`n${changes}.other.example.org`, `203.0.113.${changes % 50}`];
    const action = changes % 2 === 0 ? "deny" : "allow";
    const body = targets.map((target) => ({ action, target }));
    expect(await sidecar.api("PATCH", "/policy", { body })).toMatchObject({ status: 200 });
    expect(await sidecar.api("DELETE", "/policy", { body: targets })).toMatchObject({ status: 200 });
    changes += 2;
  }
  expect(await finished).toMatchObject({ attempts: 1_600, ...ALL_WELL });
  expect(changes).toBeGreaterThan(20);
  expect(download.hasEnded()).toBe(false);
  await download.stop();
});
