/**
 * The platform, for real, on a machine that a namespace plays: its server, with podman's service as Docker's
 * engine on a bridge with published ports, our image as the sidecar's. What stands in is the execd image, and
 * Docker's own engine.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Argv, requireCommand, runCommand, startCommand } from "../../src/netns/command.ts";
import { makeBaseImage } from "../image/base-image.ts";
import { BUILD, createEngine, type Engine } from "../image/engine.ts";
import { mountClientSettings } from "../image/machine-clients.ts";
import { createLab, INTERNET_V4, type Lab } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { findPython } from "./python.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const HERE = fileURLToPath(new URL(".", import.meta.url));
const IMAGE = "localhost/egress:test";
const EXECD_IMAGE = "localhost/execd:test";
const DOMAIN = "127.0.0.1:8080";
/** Longer than the server waits for a sidecar. */
const CALL_MS = 120_000;

/** What an SDK said: its answer, or the text of its error. */
export interface Told {
  readonly answer?: unknown;
  readonly error?: string;
}

export interface Platform extends AsyncDisposable {
  python(call: object): Promise<Told>;
  javascript(call: object): Promise<Told>;
  /** Runs a command in the workload's container of a sandbox. */
  inWorkload(
    id: string,
    argv: Argv,
  ): Promise<{ readonly exitCode: number | undefined; readonly stdout: string }>;
  /** Names of all containers that there are. */
  containers(): Promise<readonly string[]>;
  /** What the server has written. */
  serverLog(): string;
}

/** Builds both images, starts engine and server. Takes minutes the first time. */
export async function startPlatform(): Promise<Platform> {
  await using made = new AsyncDisposableStack();
  const engine = made.use(await createEngine());
  const python = await findPython();
  await buildImages(engine);
  const lab = made.use(await createLab({ ipv6: false }));
  const enter = await enterMachine(lab, engine);
  const socket = `unix://${engine.folder}/engine.sock`;
  const settings = `${engine.folder}/containers.conf`;
  await writeFile(settings, '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n');
  const service = startCommand([...enter, ...engine.argv(["system", "service", "--time=0", socket])], {
    env: { ...process.env, DISABLE_HC_SYSTEMD: "true", TMPDIR: engine.folder, CONTAINERS_CONF: settings },
  });
  made.defer(() => end(service));
  const engineLog = gather(service);
  const remote = (args: readonly string[]): Argv => ["podman", "--remote", "--url", socket, ...args];
  await until("the engine answers", async () => {
    if (service.hasEnded()) throw new Error(`the engine has ended: ${engineLog()}`);
    return (await runCommand(remote(["info"]))).exitCode === 0;
  });
  made.defer(async () => {
    await runCommand(remote(["rm", "--all", "--force", "--time", "0"]), { timeoutMs: CALL_MS });
  });
  const config = `${engine.folder}/server.toml`;
  await writeFile(config, serverConfig(engine.folder));
  const server = startCommand([...enter, `${python}/opensandbox-server`, "--config", config], {
    env: {
      PATH: process.env["PATH"],
      HOME: engine.folder,
      DOCKER_HOST: socket,
      OPENSANDBOX_INSECURE_SERVER: "YES",
    },
  });
  made.defer(() => end(server));
  const serverLog = gather(server);
  await until("the server answers", async () => {
    if (server.hasEnded()) throw new Error(`the server has ended: ${serverLog()}`);
    const asked = await runCommand([...enter, "curl", "-fsS", "--max-time", "2", `http://${DOMAIN}/health`]);
    return asked.exitCode === 0;
  });

  async function call(program: Argv, asked: object): Promise<Told> {
    const argument = JSON.stringify({ domain: DOMAIN, image: IMAGE, ...asked });
    const told: Told = JSON.parse(
      await requireCommand([...enter, ...program, argument], { timeoutMs: CALL_MS, cwd: ROOT }),
    );
    return told;
  }
  const all = made.move();
  return {
    python: (asked) => call([`${python}/python`, `${HERE}call-sdk.py`], asked),
    javascript: (asked) => call([process.execPath, `${HERE}call-sdk.mjs`], asked),
    async inWorkload(id, argv) {
      return runCommand(remote(["exec", `sandbox-${id}`, ...argv]));
    },
    async containers() {
      const names = await requireCommand(remote(["ps", "--all", "--format", "{{.Names}}"]));
      return names.split("\n").filter(Boolean);
    },
    serverLog,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

async function buildImages(engine: Engine): Promise<void> {
  await makeBaseImage(engine);
  const settings = await mountClientSettings(`${engine.folder}/clients`);
  await engine.require([...BUILD, `--tag=${IMAGE}`, ...settings, ROOT], { timeoutMs: 300_000 });
  await engine.require([...BUILD, `--tag=${EXECD_IMAGE}`, `${HERE}stand-in`], { timeoutMs: CALL_MS });
}

/**
 * The start of a command line on the machine that the lab's sandbox plays: its network, its resolver, an
 * engine's folders of its own.
 */
async function enterMachine(lab: Lab, { folder }: Engine): Promise<Argv> {
  for (const name of ["cni", "netns", "containers"]) await mkdir(`${folder}/${name}`);
  await writeFile(`${folder}/resolv.conf`, `nameserver ${INTERNET_V4}\n`);
  const script = `mount --bind "$0/cni" /var/lib/cni && mount --bind "$0/netns" /run/netns && mount --bind "$0/resolv.conf" /etc/resolv.conf && exec "$@"`;
  const net = `--net=/run/netns/${lab.sandbox.name}`;
  return [
    "nsenter",
    net,
    "--",
    "unshare",
    "--mount",
    "sh",
    "-c",
    `mkdir -p /var/lib/cni && ${script}`,
    folder,
  ];
}

/**
 * The SDK waits 30 s for an answer, as long as the server waits for a sidecar unless it is told otherwise.
 */
function serverConfig(folder: string): string {
  return `[server]
host = "127.0.0.1"
port = 8080
[runtime]
type = "docker"
execd_image = "${EXECD_IMAGE}"
[store]
type = "sqlite"
path = "${folder}/server.db"
[docker]
network_mode = "bridge"
publish_host = "127.0.0.1"
[egress]
image = "${IMAGE}"
mode = "dns+nft"
disable_ipv6 = true
readiness_timeout_seconds = 10
`;
}

function gather({ stdout, stderr }: ReturnType<typeof startCommand>): () => string {
  let text = "";
  for (const stream of [stdout, stderr]) stream.on("data", (chunk: Buffer) => (text += chunk.toString()));
  return () => text;
}

async function end(command: ReturnType<typeof startCommand>): Promise<void> {
  command.kill("SIGTERM");
  await command.end;
}
