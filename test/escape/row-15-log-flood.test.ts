/**
 * Row 15: lookups without end, to fill the disk that the sidecar's log is on, or to have old lines thrown
 * away for new ones.
 */
import { expect, test } from "vitest";
import { z } from "zod";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, POLICY } from "./attack.ts";

const status = z.object({ counters: z.record(z.string(), z.number()) });

const lab = useLab();

const ENOUGH = 2000;

/**
 * Floods for a second, and again until enough have come, with ever new names that are denied; gives all lines
 * of denials, once they account for every lookup.
 */
async function flood(linesPerSecond: string) {
  await using sidecar = await lab.startSidecar({
    policy: POLICY,
    env: {
      OPENSANDBOX_EGRESS_LOG_LEVEL: "error",
      OPENSANDBOX_EGRESS_LOOKUP_LINES_PER_SECOND: linesPerSecond,
    },
  });
  const began = performance.now();
  const resolvers = lab.ipv6 ? ["192.0.2.1", "2001:db8::1"] : ["192.0.2.1"];
  do await attack(lab, "crowd", "flood", "1", "0", ...resolvers);
  while ((await deniedLookups(sidecar)) <= ENOUGH);
  const denied = await until("the log has all", async () => {
    const count = await deniedLookups(sidecar);
    return accountedFor(sidecar) === count && count;
  });
  return { denied, lines: denials(sidecar).length, seconds: (performance.now() - began) / 1000 };
}

async function deniedLookups(sidecar: Sidecar): Promise<number> {
  const answer = await sidecar.api("GET", "/status");
  return status.parse(answer.json()).counters["egress.policy.denied_total"] ?? 0;
}

function denials(sidecar: Sidecar) {
  return sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.denied");
}

function accountedFor(sidecar: Sidecar): number {
  return denials(sidecar).reduce((sum, { count = 1 }) => sum + Number(count), 0);
}

test("without a bound, a flood writes a line for each lookup", async () => {
  const { denied, lines } = await flood("0");
  expect(lines).toBe(denied);
  expect(lines).toBeGreaterThan(ENOUGH);
});

test("a bound on lines holds in a flood, and each lookup is accounted for", async () => {
  const { denied, lines, seconds } = await flood("5");
  expect(denied).toBeGreaterThan(ENOUGH);
  // A burst of 200 seconds' lines, those of each second that began, and one for the names that had none.
  expect(lines).toBeLessThanOrEqual((200 + seconds + 1) * 5 + seconds + 1);
});
