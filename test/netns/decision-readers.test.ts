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

interface Reader {
  readonly status: () => number;
  /** Decisions that it was told of, and those that it was told to have missed. */
  readonly told: () => number;
  readonly missed: () => number;
  leave(): void;
}

function follow(sidecar: Sidecar, reads: boolean): Reader {
  let [status, told, missed, rest] = [0, 0, 0, ""];
  const headers = { "OPENSANDBOX-EGRESS-AUTH": sidecar.token };
  const outgoing = request({ socketPath: sidecar.socketPath, path: "/events", headers }, (response) => {
    status = response.statusCode ?? 0;
    if (!reads) return;
    response.setEncoding("utf8").on("data", (chunk: string) => {
      const events = (rest + chunk).split("\n\n");
      rest = events.pop() ?? "";
      told += events.filter((event) => event.includes("event: decision")).length;
      for (const [, count] of events.join("\n").matchAll(/"missed":(\d+)/g)) missed += Number(count);
    });
  });
  outgoing.on("error", () => undefined);
  outgoing.end();
  return { status: () => status, told: () => told, missed: () => missed, leave: () => outgoing.destroy() };
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
