/**
 * The DNS server alone, as a program to run inside a namespace: `node serve.ts '{"upstreams": [...],
 * "timeoutMs": ...}'`. Names under `denied.example` are denied, addresses that end in .66 refused,
 * `kernel.example.org`'s not taken by the kernel. Commands on standard input: `stats`, `cpu MS`, `close
 * GRACE_MS`; each is answered by a line of JSON.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { DEFAULT_DNS_CAPACITY } from "../../../src/dns/capacity.ts";
import { openDnsServer } from "../../../src/dns/io/server.ts";
import { parseDomainName } from "../../../src/policy/domain-name.ts";
import { ALLOW, DENY } from "./fake-network.ts";

const endpoint = z.object({ address: z.string(), port: z.number() });
const settings = z
  .object({ upstreams: z.array(endpoint), timeoutMs: z.number(), probeIntervalMs: z.number().optional() })
  .parse(JSON.parse(process.argv[2] ?? "{}"));

function say(event: string, value: unknown): void {
  process.stdout.write(`${JSON.stringify({ event, value })}\n`);
}

const root = parseDomainName(".");
if (!root.ok) throw new Error("the root is a name");
let queued: string[] = [];
const server = await openDnsServer({
  ...settings,
  listen: ["127.0.0.1", "::1"].map((address) => ({ address, port: 15_353 })),
  capacity: DEFAULT_DNS_CAPACITY,
  bounds: { namesPerMinute: 0, lookupsPerMinute: 0 },
  mark: { mark: 7, priority: 5, group: undefined },
  policy: {
    decide: (qname) => (qname === "denied.example" || qname.endsWith(".denied.example") ? DENY : ALLOW),
    allowsBelow: () => false,
    admitsAddress: (octets, at, length) => octets[at + length - 1] !== 66,
  },
  admission: {
    learn: (qname) => void queued.push(qname),
    commit() {
      const isFine = !queued.includes("kernel.example.org");
      queued = [];
      return isFine;
    },
    epoch: () => 0,
  },
  observer: {
    lookedUp: () => undefined,
    limited: () => undefined,
    forwarded: () => undefined,
  },
  ...(settings.probeIntervalMs === undefined
    ? {}
    : {
        probes: {
          qname: root.value,
          intervalMs: settings.probeIntervalMs,
          probeFailed: (_upstream, line) => say("probe", line),
        },
      }),
});
server.start();
say("ready", server.listening);

const commands: Readonly<Record<string, (argument: number) => Promise<unknown>>> = {
  stats: async () => Promise.resolve(server.stats()),
  async cpu(forMs) {
    const before = process.cpuUsage();
    await sleep(forMs);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  },
  close: async (graceMs) => server.close(graceMs),
};
createInterface({ input: process.stdin }).on("line", (line) => {
  const [name = "", argument = "0"] = line.split(" ");
  void obey(name, Number(argument));
});

async function obey(name: string, argument: number): Promise<void> {
  say(name, await commands[name]?.(argument));
  if (name === "close") process.stdin.destroy();
}
