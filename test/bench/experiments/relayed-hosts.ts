/**
 * What a bound host costs beside its requests: the first one to a host, an event of a stream whose secrets
 * are taken out, and the memory of a connection that rests.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { FRESH_BASE, HTTP_NAME, type HttpPlan } from "../load/http-plan.ts";
import { readMemory } from "../process-facts.ts";
import type { Column } from "../subjects/subject.ts";
import { endChild, firstLine, spawnChild, startChild } from "./http-children.ts";
import { startMitmproxy } from "./mitmproxy.ts";

const HELD = 500;
const WARM = 50;

export const relayedHosts: Experiment = {
  name: "relayed-hosts",
  warmsUp: true,
  rows: [
    {
      id: "relayed-host",
      title: "the first request to a host, its connection and both handshakes with it: p50",
      unit: "us",
      aims: [{ kind: "more", of: "relay", to: "direct", atMost: 1000 }],
    },
    {
      id: "relayed-events",
      title: "an event of a stream, by the time it takes from the host: p99",
      unit: "us",
      aims: [{ kind: "more", of: "relay", to: "direct", atMost: 1000 }],
    },
    {
      id: "relayed-memory",
      title: `memory of a connection, ${HELD} that rest behind a request`,
      unit: "KiB",
      aims: [{ kind: "at most", of: "relay", limit: 48 }],
    },
  ],
  async prepare(bench, made) {
    const authority = createOriginAuthority();
    const plan = join(bench.folder, "hosts-plan");
    const certificate = authority.issue([HTTP_NAME, `*.${FRESH_BASE}`]);
    await writeFile(plan, JSON.stringify({ ca: authority.ca, certificate }));
    const [origin = 0] = await startChild("http-host", [plan], made);
    const bundle = join(bench.folder, "hosts-bundle");
    const [relay = 0] = await startChild("http-door", [plan, String(origin), bundle], made);
    const trusting = await trustAlso(plan, bundle);
    const peer = await startMitmproxy(bench.folder, plan, made);
    return [
      createArm(bench, { column: "direct", plan, port: origin }),
      createArm(bench, { column: "relay", plan: trusting, port: relay }, () =>
        holdMany(plan, origin, bundle),
      ),
      ...(peer === undefined ? [] : [createArm(bench, { column: "mitmproxy", port: origin, ...peer })]),
    ];
  },
};

/** A plan for clients of the relay. */
async function trustAlso(plan: string, bundle: string): Promise<string> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is this bench's
  const { certificate } = JSON.parse(await readFile(plan, "utf8")) as HttpPlan;
  await writeFile(`${bundle}-plan`, JSON.stringify({ ca: await readFile(bundle, "utf8"), certificate }));
  return `${bundle}-plan`;
}

interface Visited {
  readonly column: Column;
  readonly plan: string;
  readonly port: number;
  readonly proxy?: number;
}

function createArm(bench: Bench, visited: Visited, memory?: () => Promise<number>): Arm {
  const { column, plan, port, proxy } = visited;
  const visit = async (what: string): Promise<number> => {
    const child = spawnChild("http-visit", [plan, String(port), what, String(bench.seconds)], proxy);
    return valueOf(await firstLine(child));
  };
  return {
    column,
    async run() {
      const measured: Measurement[] = [
        { row: "relayed-host", value: await visit("hosts") },
        { row: "relayed-events", value: await visit("events") },
      ];
      if (memory !== undefined) measured.push({ row: "relayed-memory", value: await memory() });
      return measured;
    },
  };
}

function valueOf(line: string): number {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child writes
  return (JSON.parse(line) as { readonly value: number }).value;
}

/** In a relay of its own, since one that had many has room for them: what it grows by, for each. */
async function holdMany(plan: string, origin: number, bundle: string): Promise<number> {
  const own = `${bundle}-held`;
  const relay = spawnChild("http-door", [plan, String(origin), own]);
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child writes
    const [port = 0] = JSON.parse(await firstLine(relay)) as readonly number[];
    const trusting = await trustAlso(plan, own);
    const hold = (count: number) => spawnChild("http-visit", [trusting, String(port), "hold", String(count)]);
    // With the first ones comes what all have in common.
    const few = hold(WARM);
    await firstLine(few);
    const before = await readMemory(relay.pid ?? 0);
    const many = hold(HELD);
    await firstLine(many);
    const after = await readMemory(relay.pid ?? 0);
    await Promise.all([endChild(few), endChild(many)]);
    return ((after.anonymousMiB - before.anonymousMiB) * 1024) / HELD;
  } finally {
    await endChild(relay);
  }
}
