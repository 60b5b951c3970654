/**
 * Readers of `GET /events` beside lookups without a pause: nobody's lookup is lost for them, and each reader
 * knows what it has missed.
 */
import { request } from "node:http";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { z } from "zod";
import { WAIT_MS } from "../support/limits.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ upstream: { ttlSeconds: 300 } });

const ASK = fileURLToPath(new URL("../support/clients/ask_steadily.py", import.meta.url));
const LOOKUPS = 20_000;
const READERS = 32;
/** Of these so many never read. */
const SILENT = 8;
/** Opened by one attacker, so many at a time, and how many of them a door keeps. */
const STREAMS = 1000;
const AT_ONCE = 100;
const MOST_OPEN = 64;

interface Reader {
  readonly status: () => number;
  /** Decisions that it was told of, and those that it was told to have missed. */
  readonly told: () => number;
  readonly missed: () => number;
  /** Whether it was cut off, by either side. */
  readonly hasEnded: () => boolean;
  leave(): void;
}

function follow(sidecar: Sidecar, reads: boolean): Reader {
  let [status, told, missed, rest] = [0, 0, 0, ""];
  const headers = { "OPENSANDBOX-EGRESS-AUTH": sidecar.token };
  let ended = false;
  const outgoing = request({ socketPath: sidecar.socketPath, path: "/events", headers }, (response) => {
    status = response.statusCode ?? 0;
    response.once("close", () => (ended = true));
    if (!reads) return;
    response.setEncoding("utf8").on("data", (chunk: string) => {
      const events = (rest + chunk).split("\n\n");
      rest = events.pop() ?? "";
      told += events.filter((event) => event.includes("event: decision")).length;
      for (const [, count] of events.join("\n").matchAll(/"missed":(\d+)/g)) missed += Number(count);
    });
  });
  outgoing.on("error", () => (ended = true));
  outgoing.end();
  return {
    status: () => status,
    told: () => told,
    missed: () => missed,
    hasEnded: () => ended,
    leave: () => outgoing.destroy(),
  };
}

test("no lookup is lost beside 32 readers, some of whom never read", async () => {
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    env: { OPENSANDBOX_EGRESS_LOG_LEVEL: "error" },
  });
  await lab.dig("one.example.org", "A");
  const readers = Array.from({ length: READERS }, (_, index) => follow(sidecar, index >= SILENT));
  await expect.poll(() => readers.every(({ status }) => status() === 200)).toBe(true);
  const { stdout } = await lab.asWorkload(["python3", ASK, "one.example.org", String(LOOKUPS), "64"], {
    timeoutMs: WAIT_MS,
  });
  const asked = z.object({ answered: z.number(), lost: z.number() }).parse(JSON.parse(stdout));
  expect(asked).toEqual({ answered: LOOKUPS, lost: 0 });
  const reading = readers.slice(SILENT);
  await expect
    .poll(() => reading.map((reader) => reader.told() + reader.missed()))
    .toEqual(reading.map(() => LOOKUPS));
  expect(Math.min(...reading.map(({ told }) => told()))).toBeGreaterThan(0);
  expect((await sidecar.api("GET", "/healthz")).text).toBe("ok");
  for (const reader of readers) reader.leave();
});

test("a thousand streams, opened by somebody with the token, leave 64, and room for lookups and callers", async () => {
  const sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    env: { OPENSANDBOX_EGRESS_LOG_LEVEL: "error" },
  });
  const readers: Reader[] = [];
  for (let opened = 0; opened < STREAMS; opened += AT_ONCE) {
    readers.push(...Array.from({ length: AT_ONCE }, () => follow(sidecar, true)));
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200, text: "ok" });
  }
  await expect.poll(() => readers.every(({ status, hasEnded }) => status() === 200 || hasEnded())).toBe(true);
  await expect
    .poll(() => readers.filter(({ hasEnded }) => !hasEnded()).length)
    .toBeLessThanOrEqual(MOST_OPEN);
  expect(await lab.dig("one.example.org", "A")).toMatchObject({ rcode: "NOERROR" });
  const open = readers.filter(({ hasEnded }) => !hasEnded());
  expect(open.length).toBeGreaterThan(0);
  await expect.poll(() => open.every(({ told }) => told() > 0)).toBe(true);
  expect((await sidecar.api("GET", "/decisions?limit=1")).status).toBe(200);
  for (const reader of readers) reader.leave();
});
