/**
 * What it costs a connection that it is judged by the name it shows: the same sandbox with names on the wire
 * and without.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execIn, spawnIn } from "../../../src/netns/namespace.ts";
import { createOriginAuthority } from "../../support/origin-certificates.ts";
import type { Bench } from "../bench.ts";
import type { Aim, Experiment, Measurement, Row } from "../experiment.ts";
import { judgeNames } from "../load/judge-names.ts";
import { NAMES_NETWORK } from "../load/names-plan.ts";
import { ALLOWED_ZONE, numberedName } from "../load/numbered-names.ts";
import { readProcessorMs } from "../process-facts.ts";
import { type Ours, startOurs } from "../subjects/sidecar.ts";

const MANY = 50;
const HANDSHAKES = 200;
const PINGS = 2000;
const REFUSALS = 100;
const LIVE = 100;
/** The first numbers are left to those who ask by hand. */
const NAME = numberedName(1, ALLOWED_ZONE);
const ADDRESS = "10.0.0.1";
const EVIL = "evil.example.org";

const KEEPS_PACE: Aim = { kind: "ratio", of: "names on", to: "names off", atLeast: 0.95 };
const bulk = (id: string, title: string): Row => ({ id, title, unit: "MiB/s", aims: [KEEPS_PACE] });

export const names: Experiment = {
  name: "names",
  warmsUp: true,
  rows: [
    bulk("names-down-1", "one stream down, once its name is verified"),
    bulk("names-up-1", "one stream up"),
    bulk(`names-down-${MANY}`, `${MANY} streams down`),
    bulk(`names-up-${MANY}`, `${MANY} streams up`),
    bulk("names-plain-down", "a download of plain HTTP, which is held throughout"),
    bulk("names-plain-up", "an upload of plain HTTP"),
    {
      id: "names-tls",
      title: "a new TLS connection, one at a time: p50",
      unit: "us",
      aims: [{ kind: "more", of: "names on", to: "names off", atMost: 150 }],
    },
    {
      id: "names-tls-processor",
      title: "the same: processor time of the sidecar each",
      unit: "us",
      aims: [{ kind: "at most", of: "names on", limit: 60 }],
    },
    {
      id: "names-kept",
      title: "an octet there and back on a kept stream: p50",
      unit: "us",
      aims: [{ kind: "ratio", of: "names off", to: "names on", atLeast: 0.95 }],
    },
    {
      id: "names-judged",
      title: "hellos read and judged, with the answers that verify them, in one thread",
      unit: "names/s",
      aims: [{ kind: "at least", of: "names on", limit: 30_000 }],
    },
    {
      id: "names-reset",
      title: "a denied name until its connection is reset: p50",
      unit: "us",
      aims: [{ kind: "at most", of: "names on", limit: 1000 }],
    },
    {
      id: "names-kill",
      title: `${LIVE} live streams through kill -9, a restart and a change: broken`,
      unit: "connections",
      aims: [{ kind: "at most", of: "names on", limit: 0 }],
    },
  ],
  async prepare(bench, made) {
    await startFarEnd(bench, made);
    const off = made.use(await startOurs(bench, { wireNames: "off" }));
    const on = made.use(await startOurs(bench, { wireNames: "known" }));
    for (const one of [off, on]) await lookUp(one);
    return [
      { column: "names off", run: () => measure(bench, off) },
      {
        column: "names on",
        run: async () => [
          ...(await measure(bench, on)),
          { row: "names-judged", value: judgeNames(bench.seconds) },
          { row: "names-reset", value: await load(on, "wrong", EVIL, REFUSALS) },
        ],
      },
      { column: "names on", run: () => measureKill(bench) },
    ];
  },
};

async function startFarEnd({ network, folder }: Bench, made: AsyncDisposableStack): Promise<void> {
  await execIn(network.internet, ["ip", "route", "add", "local", NAMES_NETWORK, "dev", "lo"]);
  const file = join(folder, "names-certificate");
  await writeFile(file, JSON.stringify(createOriginAuthority().issue([NAME])));
  const server = spawnIn(network.internet, [process.execPath, childOf("names-server"), file]);
  made.defer(async () => {
    server.kill("SIGKILL");
    await server.end;
  });
  server.stderr.resume();
  for await (const line of createInterface({ input: server.stdout })) if (line === "ready") return;
  throw new Error("the far end did not start");
}

function childOf(name: string): string {
  return fileURLToPath(new URL(`../load/${name}-child.ts`, import.meta.url));
}

/** Opens the name's address. */
async function lookUp({ namespace, server }: Ours): Promise<void> {
  const dig = ["dig", "+short", `@${server.address}`, "-p", String(server.port), NAME] as const;
  const { stdout } = await execIn(namespace, dig);
  if (stdout.trim() !== ADDRESS) throw new Error(`${NAME} has no address: ${stdout}`);
}

function startClient({ namespace }: Pick<Ours, "namespace">, args: readonly (string | number)[]) {
  const client = spawnIn(namespace, [process.execPath, childOf("names-client"), ...args.map(String)]);
  client.stderr.pipe(process.stderr, { end: false });
  return { client, lines: createInterface({ input: client.stdout })[Symbol.asyncIterator]() };
}

type Lines = ReturnType<typeof startClient>["lines"];

async function readValue(lines: Lines): Promise<number> {
  const line = await lines.next();
  if (line.done === true) throw new Error("the client has ended without a word");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child writes
  return (JSON.parse(line.value) as { value: number }).value;
}

async function load(
  ours: Pick<Ours, "namespace">,
  kind: string,
  name: string,
  count: number,
  seconds = 0,
): Promise<number> {
  return readValue(startClient(ours, [kind, ADDRESS, name, count, seconds]).lines);
}

async function measure(bench: Bench, ours: Ours): Promise<readonly Measurement[]> {
  const measured: Measurement[] = [];
  for (const way of ["down", "up"] as const) {
    for (const streams of [1, MANY])
      measured.push({
        row: `names-${way}-${streams}`,
        value: await load(ours, way, NAME, streams, bench.seconds),
      });
  }
  for (const kind of ["plain-down", "plain-up"])
    measured.push({ row: `names-${kind}`, value: await load(ours, kind, NAME, 1, bench.seconds) });
  const before = await readProcessorMs(ours.pid);
  measured.push({ row: "names-tls", value: await load(ours, "tls", NAME, HANDSHAKES) });
  const spentMs = (await readProcessorMs(ours.pid)) - before;
  measured.push(
    { row: "names-tls-processor", value: (1000 * spentMs) / HANDSHAKES },
    { row: "names-kept", value: await load(ours, "kept", NAME, PINGS) },
  );
  return measured;
}

/** In a sandbox of its own, which two sidecars guard one after the other. */
async function measureKill(bench: Bench): Promise<readonly Measurement[]> {
  await using sandbox = await bench.network.addSandbox("names");
  const first = await startOurs(bench, { wireNames: "known", sandbox: borrowed(sandbox) });
  await lookUp(first);
  const { client, lines } = startClient(first, ["live", ADDRESS, NAME, LIVE]);
  const ready = await lines.next();
  if (ready.value !== "ready") throw new Error("the streams are not there");
  await first.sidecar.kill("SIGKILL");
  await first[Symbol.asyncDispose]();
  await using second = await startOurs(bench, { wireNames: "known", sandbox: borrowed(sandbox) });
  await second.sidecar.api("PATCH", "/policy", { body: [{ action: "deny", target: EVIL }] });
  client.stdin.end();
  return [{ row: "names-kill", value: await readValue(lines) }];
}

/** Goes not with who has it. */
function borrowed({ name }: Awaited<ReturnType<Bench["network"]["addSandbox"]>>) {
  return { name, [Symbol.asyncDispose]: () => Promise.resolve() };
}
