/** The peers: Debian's dnsmasq and unbound, and the upstream asked without anybody in between. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Argv } from "../../../src/netns/command.ts";
import { execIn, type NetworkNamespace, spawnIn } from "../../../src/netns/namespace.ts";
import { until } from "../../support/until.ts";
import type { Bench } from "../bench.ts";
import { DENIED_ZONE } from "../load/numbered-names.ts";
import { UPSTREAM } from "../network.ts";
import type { Processors } from "../processors.ts";
import type { Column, Subject } from "./subject.ts";

const SERVER = { address: "127.0.0.1", port: 5300 } as const;
const READY_LIMIT_MS = 5_000;

/**
 * The limit of all that forward: nobody in between. The upstream takes the server's processor while this is
 * measured.
 */
export async function askDirectly({ network, processors }: Bench): Promise<Subject> {
  const namespace = await network.addSandbox("direct");
  const pid = network.upstreamPid;
  return {
    column: "direct",
    processors,
    namespace,
    pid,
    server: UPSTREAM,
    async during(measure) {
      await processors.move("server", pid);
      try {
        return await measure();
      } finally {
        await processors.move("load", pid);
      }
    },
    [Symbol.asyncDispose]: () => namespace[Symbol.asyncDispose](),
  };
}

export interface DnsmasqOptions {
  /** Entries; 0 forwards everything. */
  readonly cache?: number;
  /** Put every answer's addresses into a set of the kernel's. */
  readonly nftset?: boolean;
}

export async function startDnsmasq(
  bench: Bench,
  { cache = 0, nftset = false }: DnsmasqOptions,
): Promise<Subject> {
  const namespace = await bench.network.addSandbox("dnsmasq");
  if (nftset) await addSets(namespace);
  return startPeer(bench, namespace, nftset ? "dnsmasq --nftset" : "dnsmasq", [
    "dnsmasq",
    "--keep-in-foreground",
    "--conf-file=",
    "--user=root",
    "--pid-file=",
    `--port=${SERVER.port}`,
    `--listen-address=${SERVER.address}`,
    "--bind-interfaces",
    "--no-resolv",
    "--no-hosts",
    "--no-poll",
    "--log-facility=/dev/null",
    `--server=${UPSTREAM.address}`,
    `--address=/${DENIED_ZONE}/`,
    `--cache-size=${cache}`,
    // Its default of 150 would refuse the rest.
    "--dns-forward-max=10000",
    ...(nftset ? ["--nftset=/example/4#inet#bench#learned_v4,6#inet#bench#learned_v6"] : []),
  ]);
}

async function addSets(namespace: NetworkNamespace): Promise<void> {
  const text = `table inet bench {
  set learned_v4 { type ipv4_addr; }
  set learned_v6 { type ipv6_addr; }
}
`;
  const { exitCode, stderr } = await execIn(namespace, ["nft", "-f", "-"], { input: text });
  if (exitCode !== 0) throw new Error(`nft: ${stderr}`);
}

/** One thread, no DNSSEC validation: it forwards and caches. */
export async function startUnbound(bench: Bench): Promise<Subject> {
  const namespace = await bench.network.addSandbox("unbound");
  const config = join(bench.folder, "unbound.conf");
  await writeFile(config, UNBOUND_CONFIG);
  return startPeer(bench, namespace, "unbound", ["unbound", "-d", "-p", "-c", config]);
}

const UNBOUND_CONFIG = `server:
  num-threads: 1
  module-config: "iterator"
  interface: ${SERVER.address}
  port: ${SERVER.port}
  do-daemonize: no
  use-syslog: no
  logfile: "/dev/null"
  verbosity: 0
  username: ""
  chroot: ""
  directory: "/"
  pidfile: ""
  access-control: 127.0.0.0/8 allow
  do-not-query-localhost: no
  do-ip6: no
  outgoing-range: 4096
  num-queries-per-thread: 2048
  msg-cache-size: 16m
  rrset-cache-size: 32m
  local-zone: "${DENIED_ZONE}." always_nxdomain
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: ${UPSTREAM.address}
`;

async function startPeer(
  { processors }: { readonly processors: Processors },
  namespace: NetworkNamespace & AsyncDisposable,
  column: Column,
  argv: Argv,
): Promise<Subject> {
  const child = spawnIn(namespace, processors.pinned("server", argv));
  child.stdout.resume();
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => (complaint += chunk.toString()));
  const subject: Subject = {
    column,
    processors,
    namespace,
    server: SERVER,
    pid: child.pid,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.end;
      await namespace[Symbol.asyncDispose]();
    },
  };
  try {
    await until(
      `${column} answers`,
      async () => {
        if (child.hasEnded()) throw new Error(`${argv[0]} ended: ${complaint}`);
        return answers(namespace);
      },
      READY_LIMIT_MS,
    );
    return subject;
  } catch (error) {
    await subject[Symbol.asyncDispose]();
    throw error;
  }
}

async function answers(namespace: NetworkNamespace): Promise<boolean> {
  const { stdout } = await execIn(namespace, [
    "dig",
    "+tries=1",
    "+time=1",
    "+short",
    "-p",
    String(SERVER.port),
    `@${SERVER.address}`,
    "00000001.bench.example",
  ]);
  return stdout.trim() === "10.0.0.1";
}
