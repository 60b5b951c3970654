/**
 * Clients that look up a name that nobody asked for before and connect at once, many times; see
 * `clients/lookup_connect.py`.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { startJsonServer } from "./json-server.ts";
import { WAIT_MS } from "./limits.ts";
import type { Lab } from "./lab.ts";
import { until } from "./until.ts";
import { workloadArgv } from "./workload.ts";

export interface LookupRun {
  /** Names are `nFIRST.new.example.org` and on. */
  readonly first: number;
  readonly count: number;
  /** In flight at the same time. */
  readonly workers: number;
  /** Lookups a second in all; without it as fast as they go. */
  readonly rate?: number;
  /** `udp:ADDRESS` or `tcp:ADDRESS`. */
  readonly resolvers: readonly string[];
}

const outcomeShape = z.object({
  event: z.literal("done"),
  attempts: z.number(),
  failed: z.number(),
  /** The first twenty. */
  failures: z.array(z.unknown()),
});
export type LookupOutcome = z.infer<typeof outcomeShape>;

const V4_ADDRESSES = [...host("198.51.100", 60, 255), ...host("203.0.113", 60, 255)];

/**
 * Lines of a hosts file: each name has its own IPv6 address; IPv4 addresses, of which there are fewer, come
 * round.
 */
export function renderHosts(count: number): string {
  const lines = Array.from({ length: count }, (_, number) => {
    const name = `n${number}.new.example.org`;
    const v4 = V4_ADDRESSES[number % V4_ADDRESSES.length] ?? "";
    return `${v4} ${name}\n2001:db8:100:1::${number.toString(16)} ${name}\n`;
  });
  return lines.join("");
}

/** Runs to the end as the workload. */
export async function lookUpAndConnect(lab: Lab, run: LookupRun): Promise<LookupOutcome> {
  const script = fileURLToPath(new URL("clients/lookup_connect.py", import.meta.url));
  const numbers = [run.first, run.count, run.workers, run.rate ?? 0].map(String);
  await using client = await startJsonServer(
    lab.sandbox,
    workloadArgv(["python3", script, ...numbers, ...run.resolvers]),
  );
  const done = await until(
    "all names are looked up and connected to",
    () => client.lines.find(({ event }) => event === "done"),
    2 * WAIT_MS,
  );
  return outcomeShape.parse(done);
}

function host(network: string, first: number, end: number): readonly string[] {
  return Array.from({ length: end - first }, (_, index) => `${network}.${first + index}`);
}
