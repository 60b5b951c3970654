/**
 * What it costs a request that its connection is decrypted, judged and given a secret: the relay beside the
 * origin asked directly.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { HTTP_NAME } from "../load/http-plan.ts";
import type { Column } from "../subjects/subject.ts";

const IN_FLIGHT = 32;
const BULK_OCTETS = 256 << 20;

export const relayed: Experiment = {
  name: "relayed",
  warmsUp: true,
  rows: [
    { id: "relayed-h1-p50", title: "HTTP/1.1, one request at a time: p50", unit: "us" },
    {
      id: "relayed-h1",
      title: `HTTP/1.1, ${IN_FLIGHT} in flight`,
      unit: "requests/s",
      aims: [{ kind: "at least", of: "relay", limit: 8000 }],
    },
    { id: "relayed-h2-p50", title: "HTTP/2, one request at a time: p50", unit: "us" },
    {
      id: "relayed-h2",
      title: `HTTP/2, ${IN_FLIGHT} in flight`,
      unit: "requests/s",
      aims: [{ kind: "at least", of: "relay", limit: 15_000 }],
    },
    {
      id: "relayed-h1-bulk",
      title: "HTTP/1.1, 256 MiB",
      unit: "MB/s",
      aims: [{ kind: "ratio", of: "relay", to: "direct", atLeast: 0.45 }],
    },
    {
      id: "relayed-h2-bulk",
      title: "HTTP/2, 256 MiB",
      unit: "MB/s",
      aims: [{ kind: "ratio", of: "relay", to: "direct", atLeast: 0.65 }],
    },
  ],
  async prepare(bench, made) {
    const authority = createOriginAuthority();
    const plan = join(bench.folder, "http-plan");
    await writeFile(plan, JSON.stringify({ ca: authority.ca, certificate: authority.issue([HTTP_NAME]) }));
    const origin = await startChild("http-origin", [plan], made);
    const relay = await startChild("http-relay", [plan, ...origin.map(String)], made);
    return [createArm(bench, plan, "direct", origin), createArm(bench, plan, "relay", relay)];
  },
};

function createArm(bench: Bench, plan: string, column: Column, [h1, h2]: readonly number[]): Arm {
  const load = async (...args: readonly unknown[]): Promise<{ perSecond: number; p50Us: number }> => {
    const child = spawnChild("http-load", [plan, ...args.map(String)]);
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child writes
    return JSON.parse(await firstLine(child)) as { perSecond: number; p50Us: number };
  };
  return {
    column,
    async run() {
      const measured: Measurement[] = [];
      for (const [protocol, port] of [
        ["h1", h1],
        ["h2", h2],
      ] as const) {
        const row = `relayed-${protocol}`;
        measured.push({ row: `${row}-p50`, value: (await load(port, protocol, 1, bench.seconds)).p50Us });
        measured.push({ row, value: (await load(port, protocol, IN_FLIGHT, bench.seconds)).perSecond });
        measured.push({
          row: `${row}-bulk`,
          value: (await load(port, protocol, "bulk", BULK_OCTETS)).perSecond,
        });
      }
      return measured;
    },
  };
}

function spawnChild(name: string, args: readonly string[]): ChildProcess {
  const file = fileURLToPath(new URL(`../load/${name}-child.ts`, import.meta.url));
  return spawn(process.execPath, [file, ...args], { stdio: ["ignore", "pipe", "inherit"] });
}

/** Its ports, once it listens. */
async function startChild(
  name: string,
  args: readonly string[],
  made: AsyncDisposableStack,
): Promise<readonly number[]> {
  const child = spawnChild(name, args);
  made.defer(async () => {
    const ended = once(child, "exit");
    child.kill();
    await ended;
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child writes
  return JSON.parse(await firstLine(child)) as readonly number[];
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("the child has no output");
  for await (const line of createInterface(stdout)) return line;
  throw new Error("the child has ended without a word");
}
