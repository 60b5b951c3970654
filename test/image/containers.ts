/**
 * The sidecar's container as the OpenSandbox server starts it, and the workload's, which joins its network.
 */
import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { inject } from "vitest";
import type { Argv, CommandOptions, CommandResult } from "../../src/netns/command.ts";
import { type CurlAnswer, curlArgv, parseCurl } from "../support/curl.ts";
import { type DigAnswer, digArgv, parseDig } from "../support/dig.ts";
import { INTERNET_V4, type Lab, SANDBOX_V4 } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { type Engine, LIMITS, openEngine } from "./engine.ts";
import { IMAGE } from "./global-setup.ts";

/** Docker's default; podman's own default is shorter. */
const DOCKER_DEFAULT_CAPABILITIES =
  "chown,dac_override,fowner,fsetid,kill,setgid,setuid,setpcap,net_bind_service,net_raw,sys_chroot,mknod,audit_write,setfcap";

interface Container extends AsyncDisposable {
  readonly name: string;
  /** Runs a command in it, with the container's own capabilities. */
  exec(argv: Argv, options?: CommandOptions): Promise<CommandResult>;
}

export interface SidecarContainer extends Container {
  /** Milliseconds from `podman start` to good health. */
  readonly startMs: number;
  /** The same from the moment at which the engine has started the program. */
  readonly programMs: number;
  /** The answer to a call from outside, as the server makes it, with the token. */
  api(method: string, path: string, body?: unknown): Promise<CurlAnswer>;
  logs(): Promise<string>;
  /** Of the sidecar, the first process's child, as the machine counts; undefined while it is not running. */
  pid(): Promise<number | undefined>;
  /** A property by podman's template, such as `{{.State.Pid}}`. */
  inspect(format: string): Promise<string>;
  /** SIGKILL, as the server removes it. */
  kill(): Promise<void>;
  /** Starts it again and waits for health. */
  start(): Promise<void>;
}

export interface WorkloadContainer extends Container {
  curl(...args: string[]): Promise<CurlAnswer>;
  dig(...args: string[]): Promise<DigAnswer>;
}

export interface SidecarContainerOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly policy?: unknown;
  /** Further options of `podman create`. */
  readonly options?: readonly string[];
}

/** The engine that the project's setup made. */
export function imageEngine(): Engine {
  return openEngine(inject("engineFolder"));
}

/**
 * Starts the image in the lab's sandbox and waits for health as the server does; throws with its log when it
 * is none.
 */
export async function startSidecarContainer(
  lab: Lab,
  { env = {}, policy, options = [] }: SidecarContainerOptions = {},
): Promise<SidecarContainer> {
  const engine = imageEngine();
  const name = `sidecar-${randomBytes(3).toString("hex")}`;
  const token = randomBytes(12).toString("hex");
  const variables = {
    OPENSANDBOX_EGRESS_MODE: "dns+nft",
    OPENSANDBOX_EGRESS_TOKEN: token,
    ...(policy === undefined ? {} : { OPENSANDBOX_EGRESS_RULES: JSON.stringify(policy) }),
    ...env,
  };
  await engine.require([
    "create",
    `--name=${name}`,
    `--network=ns:/run/netns/${lab.sandbox.name}`,
    `--dns=${INTERNET_V4}`,
    ...LIMITS,
    ...capabilities(["net_admin"]),
    ...Object.entries(variables).map(([key, value]) => `--env=${key}=${value}`),
    ...options,
    IMAGE,
  ]);
  const url = `http://${SANDBOX_V4}:18080`;
  let startMs = Number.NaN;
  let programMs = Number.NaN;
  const sidecar: SidecarContainer = {
    ...container(engine, name),
    get startMs() {
      return startMs;
    },
    get programMs() {
      return programMs;
    },
    api: (method, path, body) =>
      lab.curlFromOutside(
        "-X",
        method,
        "-H",
        `OPENSANDBOX-EGRESS-AUTH: ${token}`,
        ...(body === undefined ? [] : ["-d", JSON.stringify(body)]),
        `${url}${path}`,
      ),
    async logs() {
      const { stdout, stderr } = await engine.run(["logs", name]);
      return stdout + stderr;
    },
    pid: async () => findSidecar(Number(await sidecar.inspect("{{.State.Pid}}"))),
    inspect: (format) => engine.require(["container", "inspect", "--format", format, name]),
    async kill() {
      await engine.require(["kill", "--signal", "KILL", name]);
      await engine.require(["wait", name]);
    },
    async start() {
      const startedAt = performance.now();
      await engine.require(["start", name]);
      await awaitHealth(sidecar);
      const healthyAt = Date.now();
      startMs = performance.now() - startedAt;
      programMs = healthyAt - Number(await sidecar.inspect("{{.State.StartedAt.UnixMilli}}"));
    },
  };
  try {
    await sidecar.start();
    return sidecar;
  } catch (error) {
    await sidecar[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * A container in the sidecar's network, with the default capabilities; it has curl and dig because it is the
 * same image.
 */
export async function startWorkloadContainer(sidecar: SidecarContainer): Promise<WorkloadContainer> {
  const engine = imageEngine();
  const name = `workload-of-${sidecar.name}`;
  await engine.require([
    "run",
    "--detach",
    `--name=${name}`,
    `--network=container:${sidecar.name}`,
    ...LIMITS,
    ...capabilities([]),
    "--no-healthcheck",
    "--entrypoint=sleep",
    IMAGE,
    "infinity",
  ]);
  const workload = container(engine, name);
  return {
    ...workload,
    curl: async (...args) => parseCurl(await workload.exec(curlArgv(args))),
    dig: async (...args) => parseDig(await workload.exec(digArgv(args))),
  };
}

/** Holders of its queues may be the first process's children, too. */
async function findSidecar(first: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${first}/task/${first}/children`, "utf8");
  for (const pid of children.split(" ").filter(Boolean)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (command.includes("/egress\0serve")) return Number(pid);
  }
  return undefined;
}

function container(engine: Engine, name: string): Container {
  return {
    name,
    exec: (argv, options) => engine.run(["exec", name, ...argv], options),
    async [Symbol.asyncDispose]() {
      await engine.run(["rm", "--force", "--depend", "--time", "0", name]);
    },
  };
}

function capabilities(further: readonly string[]): readonly string[] {
  return ["--cap-drop", "all", "--cap-add", [DOCKER_DEFAULT_CAPABILITIES, ...further].join(",")];
}

async function awaitHealth(sidecar: SidecarContainer): Promise<void> {
  const ask = async (): Promise<boolean> => (await sidecar.api("GET", "/healthz")).status === 200;
  await until("the sidecar is healthy", ask).catch(async (cause: unknown) => {
    throw new Error(`the container is not healthy:\n${await sidecar.logs()}`, { cause });
  });
}
