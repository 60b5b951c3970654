/**
 * What it costs a request that its connection is decrypted, judged and given a secret: the relay beside the
 * origin asked directly.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import type { Bench } from "../bench.ts";
import type { Arm, Experiment, Measurement } from "../experiment.ts";
import { HTTP_NAME } from "../load/http-plan.ts";
import type { Column } from "../subjects/subject.ts";
import { firstLine, spawnChild, startChild } from "./http-children.ts";
import { startMitmproxy } from "./mitmproxy.ts";

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
    const peer = await startMitmproxy(bench.folder, plan, made);
    return [
      createArm(bench, { column: "direct", plan, ports: origin }),
      createArm(bench, { column: "relay", plan, ports: relay }),
      ...(peer === undefined ? [] : [createArm(bench, { column: "mitmproxy", ports: origin, ...peer })]),
    ];
  },
};

interface Asked {
  readonly column: Column;
  readonly plan: string;
  /** Of HTTP/1.1 and of HTTP/2. */
  readonly ports: readonly number[];
  /** Of a proxy that leads there. */
  readonly proxy?: number;
}

function createArm(bench: Bench, { column, plan, ports: [h1, h2], proxy }: Asked): Arm {
  const load = async (...args: readonly unknown[]): Promise<{ perSecond: number; p50Us: number }> => {
    const child = spawnChild("http-load", [plan, ...args.map(String)], proxy);
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
