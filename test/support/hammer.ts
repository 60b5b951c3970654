/**
 * A hostile loop in the sandbox: connects, datagrams, pings and lookups to what is denied; see
 * `clients/hammer.py`.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import type { Frame } from "./canary.ts";
import { startJsonServer } from "./json-server.ts";
import { type Lab, OTHER_RESOLVER_V4, OTHER_RESOLVER_V6 } from "./lab.ts";
import { until } from "./until.ts";
import { workloadArgv } from "./workload.ts";

/** No test's policy allows it; the upstream knows it. */
export const HAMMERED_NAME = "hammered.three.example.org";
const HAMMERED: readonly string[] = [
  "203.0.113.66",
  "2001:db8:100:66::66",
  OTHER_RESOLVER_V4,
  OTHER_RESOLVER_V6,
];

export interface Hammer extends AsyncDisposable {
  /** Ends it; how many rounds it has made. */
  stop(): Promise<number>;
}

export async function startHammer(lab: Lab): Promise<Hammer> {
  const script = fileURLToPath(new URL("clients/hammer.py", import.meta.url));
  const addresses = HAMMERED.filter((address) => lab.ipv6 || !address.includes(":"));
  const argv = workloadArgv(["python3", script, HAMMERED_NAME, ...addresses]);
  const client = await startJsonServer(lab.sandbox, argv);
  return {
    async stop() {
      client.process.stdin.end();
      const done = await until("the hammer stops", () => client.lines.find(({ event }) => event === "done"));
      return z.object({ rounds: z.number() }).parse(done).rounds;
    },
    [Symbol.asyncDispose]: () => client[Symbol.asyncDispose](),
  };
}

/** The frames that only a hammer can have sent. */
export function hammeredFrames(frames: readonly Frame[]): readonly Frame[] {
  return frames.filter(({ destination }) => HAMMERED.includes(destination ?? ""));
}

export function wasHammeredNameAsked(lab: Lab): boolean {
  return lab.upstream.questions().some(({ qname }) => qname.toLowerCase() === HAMMERED_NAME);
}
