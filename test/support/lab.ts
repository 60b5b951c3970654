/**
 * A sandbox and an internet, each a network namespace, joined by a link; everything on them but the sidecar
 * is not ours.
 *
 *     sandbox 192.0.2.2, 2001:db8::2  <-- eth0 -->  internet 192.0.2.1, 2001:db8::1
 *
 * The internet answers at every address of 198.51.100.0/24, 203.0.113.0/24 and 2001:db8:100::/56 (web on
 * ports 80 and 8080, UDP echo on 7), and as a resolver at 192.0.2.1, 2001:db8::1 (the sidecar's upstreams),
 * 203.0.113.53 and 2001:db8:1ff::53.
 */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Argv, CommandOptions, CommandResult, RunningCommand } from "../../src/netns/command.ts";
import { createNamespace, execIn, hasIpv6, HERE, type OwnedNamespace } from "../../src/netns/namespace.ts";
import {
  configure,
  spawnIn,
  sweepNamespaces,
  writeResolvConf,
  writeSysctl,
} from "../../src/netns/namespace.ts";
import { createVethPair, type VethEnd } from "../../src/netns/veth.ts";
import { type Canary, startCanary } from "./canary.ts";
import { type CurlAnswer, curlArgv, parseCurl } from "./curl.ts";
import { type DigAnswer, digArgv, parseDig } from "./dig.ts";
import { type EchoServer, startEchoServer } from "./echo.ts";
import { type Sidecar, type SidecarOptions, startSidecar } from "./sidecar.ts";
import { startUpstream, type Upstream, type UpstreamOptions, type Zone } from "./upstream.ts";
import { startWebServer, type WebServer } from "./web.ts";
import { workloadArgv } from "./workload.ts";
import { RESOLVE_SECONDS, WAIT_MS } from "./limits.ts";

export interface LabOptions {
  /** Names of the upstream resolver, besides `DEFAULT_ZONE`. */
  readonly zone?: Zone;
  /** The rest of the upstream's options: `ttlSeconds`, `extra`. */
  readonly upstream?: Partial<Omit<UpstreamOptions, "zone" | "listen">>;
  /** False switches IPv6 off in the sandbox, as Docker does; default: on where the machine has it. */
  readonly ipv6?: boolean;
  /** How the two are joined; default: by one link, with nothing in between. */
  readonly joinThrough?: (ends: LinkEnds) => Promise<AsyncDisposable>;
}

/** The two ends of the link, each `eth0` of its namespace. */
export interface LinkEnds {
  readonly sandbox: VethEnd;
  readonly internet: VethEnd;
}

export interface Lab extends AsyncDisposable {
  readonly sandbox: OwnedNamespace;
  readonly internet: OwnedNamespace;
  /** Whether the sandbox has IPv6. */
  readonly ipv6: boolean;
  /**
   * Holds the sidecar's policy file, socket and rule folder (`rules/`); kept across restarts of the sidecar.
   */
  readonly stateFolder: string;
  readonly upstream: Upstream;
  readonly web: WebServer;
  readonly echo: EchoServer;
  readonly canary: Canary;
  /** Starts the real program in the sandbox; it ends with the lab at the latest. */
  startSidecar(options?: SidecarOptions): Promise<Sidecar>;
  /** Runs a command as the workload to its end; twice `WAIT_MS` at most unless told. */
  asWorkload(argv: Argv, options?: CommandOptions): Promise<CommandResult>;
  /** Starts a command as the workload; it ends with the lab at the latest. */
  startAsWorkload(argv: Argv, options?: CommandOptions): RunningCommand;
  /** dig as the workload. The sandbox's resolv.conf names 192.0.2.1. */
  dig(...args: string[]): Promise<DigAnswer>;
  /** curl as the workload. */
  curl(...args: string[]): Promise<CurlAnswer>;
  /** curl from the internet's side, as a server or an operator outside does. */
  curlFromOutside(...args: string[]): Promise<CurlAnswer>;
}

export const SANDBOX_V4 = "192.0.2.2";
export const SANDBOX_V6 = "2001:db8::2";
export const INTERNET_V4 = "192.0.2.1";
export const INTERNET_V6 = "2001:db8::1";
/** Resolvers that are no upstream of the sidecar's but would answer. */
export const OTHER_RESOLVER_V4 = "203.0.113.53";
export const OTHER_RESOLVER_V6 = "2001:db8:1ff::53";

/** Names that every lab knows; each has IPv4 and IPv6 addresses. */
const DEFAULT_ZONE: Zone = {
  "one.example.org": { addresses: ["198.51.100.1", "2001:db8:100::1"] },
  "two.example.org": { addresses: ["198.51.100.2", "2001:db8:100::2"] },
  "three.example.org": { addresses: ["198.51.100.3", "2001:db8:100::3"] },
  "*.wild.example.org": { addresses: ["198.51.100.20", "2001:db8:100::20"] },
};

/**
 * Makes the whole lab; removes all of it again when disposed or when making it fails. Also sweeps what dead
 * processes left.
 */
export async function createLab(options: LabOptions = {}): Promise<Lab> {
  await sweepNamespaces();
  await using made = new AsyncDisposableStack();
  const stateFolder = await mkdtemp(join(tmpdir(), "egress-lab-"));
  made.defer(() => rm(stateFolder, { recursive: true, force: true }));
  await mkdir(join(stateFolder, "rules"));
  // Takes the shipped one's place, so that a lab holds no rules but those of its test.
  await writeFile(join(stateFolder, "rules", "deny.always"), "");

  const ipv6 = (options.ipv6 ?? true) && (await hasIpv6(HERE));
  const { sandbox, internet } = await createNetwork(made, ipv6, options.joinThrough ?? joinDirectly);
  const use = async <T extends AsyncDisposable>(starting: Promise<T>): Promise<T> => made.use(await starting);
  const [upstream, web, echo, canary] = await Promise.all([
    use(
      startUpstream(internet, {
        ...options.upstream,
        listen: [INTERNET_V4, OTHER_RESOLVER_V4, ...(ipv6 ? [INTERNET_V6, OTHER_RESOLVER_V6] : [])],
        zone: { ...DEFAULT_ZONE, ...options.zone },
      }),
    ),
    use(startWebServer(internet, ipv6)),
    use(startEchoServer(internet, ipv6)),
    use(startCanary(internet, "eth0")),
  ]);

  const running = made.use(new AsyncDisposableStack());
  const place = { namespace: sandbox, stateFolder, upstreams: [INTERNET_V4] };
  const asWorkload: Lab["asWorkload"] = (argv, commandOptions) =>
    execIn(sandbox, workloadArgv(argv), { timeoutMs: 2 * WAIT_MS, ...commandOptions });
  const all = made.move();
  return {
    sandbox,
    internet,
    ipv6,
    stateFolder,
    upstream,
    web,
    echo,
    canary,
    asWorkload,
    startSidecar: async (sidecarOptions) => running.use(await startSidecar(place, sidecarOptions)),
    startAsWorkload(argv, commandOptions) {
      const child = spawnIn(sandbox, workloadArgv(argv), commandOptions);
      running.defer(() => child.kill("SIGKILL"));
      return child;
    },
    dig: async (...args) => parseDig(await asWorkload(digArgv(args))),
    curl: async (...args) => parseCurl(await asWorkload(curlArgv(args))),
    curlFromOutside: async (...args) => parseCurl(await execIn(internet, curlArgv(args))),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function joinDirectly({ sandbox, internet }: LinkEnds): Promise<AsyncDisposable> {
  return createVethPair(sandbox, internet);
}

async function createNetwork(
  made: AsyncDisposableStack,
  ipv6: boolean,
  joinThrough: (ends: LinkEnds) => Promise<AsyncDisposable>,
): Promise<{ sandbox: OwnedNamespace; internet: OwnedNamespace }> {
  const internet = made.use(await createNamespace("internet"));
  const sandbox = made.use(await createNamespace("sandbox"));
  if (!ipv6 && (await hasIpv6(sandbox))) await writeSysctl(sandbox, "net.ipv6.conf.all.disable_ipv6", "1");
  const where = (v4: string, v6: string): string[] => [`${v4}/24`, ...(ipv6 ? [`${v6}/64`] : [])];
  const only6 = (line: string): string[] => (ipv6 ? [line] : []);
  const link = await joinThrough({
    sandbox: {
      namespace: sandbox,
      device: "eth0",
      addresses: where(SANDBOX_V4, SANDBOX_V6),
      routes: [`route add default via ${INTERNET_V4}`, ...only6(`route add default via ${INTERNET_V6}`)],
    },
    internet: { namespace: internet, device: "eth0", addresses: where(INTERNET_V4, INTERNET_V6) },
  });
  made.use(link);
  await configure(internet, [
    `addr add ${OTHER_RESOLVER_V4}/32 dev lo`,
    ...only6(`addr add ${OTHER_RESOLVER_V6}/128 dev lo`),
    // Whole ranges are local: a server bound to no address answers at each of them.
    "route add local 198.51.100.0/24 dev lo",
    "route add local 203.0.113.0/24 dev lo",
    ...only6("route add local 2001:db8:100::/56 dev lo"),
  ]);
  made.use(
    await writeResolvConf(
      sandbox,
      `nameserver ${INTERNET_V4}\noptions timeout:${RESOLVE_SECONDS} attempts:1\n`,
    ),
  );
  return { sandbox, internet };
}
