/**
 * One attempt on the network as the workload, with its errno; curl does not tell a reset from an ICMP error.
 */
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { execIn } from "../../src/netns/namespace.ts";
import type { Argv } from "../../src/netns/command.ts";
import type { Lab } from "./lab.ts";
import { workloadArgv } from "./workload.ts";

const attemptShape = z.object({ result: z.string(), ms: z.number() });
/** `result`: what came back, `connected`, `answered`, `timeout`, or an errno such as `ECONNREFUSED`. */
export type Attempt = z.infer<typeof attemptShape>;

export const PROBE_SCRIPT = fileURLToPath(new URL("../netfilter/probe.py", import.meta.url));

/** As `test/netfilter/probe.py` takes it: `tcp ADDRESS PORT`, `udp ADDRESS PORT TEXT`, `ping ADDRESS`. */
export async function probe(lab: Lab, ...args: readonly string[]): Promise<Attempt> {
  return run(lab, "sandbox", args);
}

export async function probeFromOutside(lab: Lab, ...args: readonly string[]): Promise<Attempt> {
  return run(lab, "internet", args);
}

async function run(lab: Lab, side: "sandbox" | "internet", args: readonly string[]): Promise<Attempt> {
  const argv: Argv = ["python3", PROBE_SCRIPT, ...args];
  const { stdout, stderr } = await execIn(lab[side], side === "sandbox" ? workloadArgv(argv) : argv);
  if (stdout === "") throw new Error(stderr);
  return attemptShape.parse(JSON.parse(stdout));
}
