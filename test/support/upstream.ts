/**
 * The lab's upstream resolver: dnsmasq, with a zone that the test writes and a record of every question it
 * saw.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type NetworkNamespace, spawnIn } from "../../src/netns/namespace.ts";
import { until } from "./until.ts";

/**
 * What a name resolves to. A key `*.example.org` answers for every name below it (and, dnsmasq's way, for
 * itself).
 */
export interface Zone {
  readonly [name: string]: ZoneEntry;
}
interface ZoneEntry {
  readonly addresses?: readonly string[];
  readonly cname?: string;
  readonly text?: readonly string[];
}

interface Question {
  /** As the client spelled it. */
  readonly qname: string;
  readonly qtype: string;
  readonly from: string;
}

export interface Upstream extends AsyncDisposable {
  readonly addresses: readonly string[];
  /** What was asked, oldest first. */
  questions(): readonly Question[];
}

export interface UpstreamOptions {
  readonly listen: readonly string[];
  readonly zone: Zone;
  /** TTL of every answer. */
  readonly ttlSeconds?: number;
  /** Further dnsmasq options, such as `--edns-packet-max=512`. */
  readonly extra?: readonly string[];
}

/** Starts dnsmasq. Names outside the zone are NXDOMAIN; nothing is ever forwarded. */
export async function startUpstream(
  namespace: NetworkNamespace,
  options: UpstreamOptions,
): Promise<Upstream> {
  const folder = await mkdtemp(join(tmpdir(), "egress-upstream-"));
  const config = join(folder, "dnsmasq.conf");
  await writeFile(config, renderConfig(options));
  const child = spawnIn(namespace, ["dnsmasq", "--keep-in-foreground", `--conf-file=${config}`]);
  const lines: string[] = [];
  createInterface({ input: child.stderr }).on("line", (line) => lines.push(line));
  child.stdout.resume();
  const upstream: Upstream = {
    addresses: options.listen,
    questions: () => lines.flatMap(parseQuestion),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.end;
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    await until("dnsmasq is ready", () => {
      if (child.hasEnded()) throw new Error(`dnsmasq ended: ${lines.join("\n")}`);
      return lines.some((line) => line.includes("started, version"));
    });
    return upstream;
  } catch (error) {
    await upstream[Symbol.asyncDispose]();
    throw error;
  }
}

function renderConfig(options: UpstreamOptions): string {
  const lines = [
    "no-daemon",
    "user=root",
    "pid-file=",
    "no-resolv",
    "no-hosts",
    "no-poll",
    "bind-interfaces",
    "log-queries",
    "log-facility=-",
    "cache-size=0",
    "address=/#/",
    ...options.listen.map((address) => `listen-address=${address}`),
    ...(options.ttlSeconds === undefined ? [] : [`local-ttl=${options.ttlSeconds}`]),
    ...Object.entries(options.zone).flatMap(([name, entry]) => renderEntry(name, entry)),
    ...(options.extra ?? []).map((option) => option.replace(/^--/, "")),
  ];
  return `${lines.join("\n")}\n`;
}

function renderEntry(name: string, entry: ZoneEntry): readonly string[] {
  const addresses = entry.addresses ?? [];
  return [
    ...(name.startsWith("*.")
      ? addresses.map((address) => `address=/${name.slice(2)}/${address}`)
      : addresses.map((address) => `host-record=${name},${address}`)),
    ...(entry.cname === undefined ? [] : [`cname=${name},${entry.cname}`]),
    ...(entry.text ?? []).map((text) => `txt-record=${name},"${text}"`),
  ];
}

/** As in `dnsmasq: query[A] one.example.org from 192.0.2.2`. */
function parseQuestion(line: string): readonly Question[] {
  const match = /query\[(?<qtype>[^\]]+)\] (?<qname>\S+) from (?<from>\S+)/.exec(line);
  const { qtype, qname, from } = match?.groups ?? {};
  return qtype === undefined || qname === undefined || from === undefined ? [] : [{ qname, qtype, from }];
}
