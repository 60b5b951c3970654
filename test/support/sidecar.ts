/**
 * Runs the real program in the lab's sandbox, as `egress serve`, and talks to it as an operator does: over
 * its unix socket.
 */
import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Argv, CommandEnd } from "../../src/netns/command.ts";
import { type NetworkNamespace, spawnIn } from "../../src/netns/namespace.ts";
import { LONG_MS, WAIT_MS } from "./limits.ts";
import { withOwnPlaces } from "./own-places.ts";
import { MAIN } from "./tested-program.ts";
import { until } from "./until.ts";

export interface SidecarOptions {
  /** Added to, and winning over, the environment that the lab gives; `undefined` takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The initial policy, `OPENSANDBOX_EGRESS_RULES`. */
  readonly policy?: unknown;
  /** The program and its first arguments; default: the tested program's `serve`. */
  readonly program?: Argv;
  /** Do not wait until `/healthz` is good. */
  readonly awaitHealth?: boolean;
}

interface ApiAnswer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly text: string;
  /** The body as JSON; throws when it is none. */
  json(): unknown;
}

interface ApiOptions {
  /** A string is sent as it is, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Until the call is given up; `WAIT_MS` unless told. */
  readonly timeoutMs?: number;
}

export interface Sidecar extends AsyncDisposable {
  readonly pid: number;
  readonly token: string;
  readonly socketPath: string;
  /** Milliseconds from the start of the process to good health; NaN when that was not waited for. */
  readonly startMs: number;
  /** A call over the unix socket, with the token. */
  api(method: string, path: string, options?: ApiOptions): Promise<ApiAnswer>;
  /** Its log so far: lines that are JSON, oldest first. */
  logs(): readonly Readonly<Record<string, unknown>>[];
  /** All that it wrote to standard output and standard error, for people. */
  output(): string;
  /** Sends the signal (SIGTERM unless told) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<CommandEnd>;
  /** Settles when the process has ended, however it did. */
  readonly exit: Promise<CommandEnd>;
}

/** For tests that ask for more new names a minute than an honest workload does. */
export const WITHOUT_BOUNDS = {
  OPENSANDBOX_EGRESS_WILDCARD_NAMES_PER_MINUTE: "0",
  OPENSANDBOX_EGRESS_WILDCARD_LOOKUPS_PER_MINUTE: "0",
} as const;

export interface SidecarPlace {
  readonly namespace: NetworkNamespace;
  readonly stateFolder: string;
  readonly upstreams: readonly string[];
}

const logLineShape = z.record(z.string(), z.unknown());

export async function startSidecar(place: SidecarPlace, options: SidecarOptions = {}): Promise<Sidecar> {
  const token = options.env?.["OPENSANDBOX_EGRESS_TOKEN"] ?? randomBytes(12).toString("hex");
  const env = sidecarEnvironment(place, token, options);
  const socketPath = env["OPENSANDBOX_EGRESS_SOCKET"] ?? "";
  const startedAt = performance.now();
  const child = spawnIn(
    place.namespace,
    withOwnPlaces(options.program ?? [process.execPath, MAIN, "serve"]),
    { env },
  );
  const output: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => output.push(line));
  }
  const exit = child.end;
  let startMs = Number.NaN;
  const sidecar: Sidecar = {
    pid: child.pid,
    token,
    socketPath,
    exit,
    get startMs() {
      return startMs;
    },
    api: (method, path, callOptions) => callSocket({ socketPath, token, method, path }, callOptions),
    logs: () => output.flatMap(parseLogLine),
    output: () => output.join("\n"),
    async kill(signal = "SIGTERM") {
      child.kill(signal);
      return exit;
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await exit;
    },
  };
  if (options.awaitHealth === false) return sidecar;
  try {
    await awaitHealth(sidecar, child.hasEnded);
    startMs = performance.now() - startedAt;
    return sidecar;
  } catch (error) {
    await sidecar[Symbol.asyncDispose]();
    throw error;
  }
}

/** Nothing of the machine's own places is used: policy file, socket, and rule folder are all the lab's. */
function sidecarEnvironment(
  place: SidecarPlace,
  token: string,
  options: SidecarOptions,
): Record<string, string | undefined> {
  return {
    PATH: process.env["PATH"],
    OPENSANDBOX_EGRESS_TOKEN: token,
    OPENSANDBOX_EGRESS_DNS_UPSTREAM: place.upstreams
      .map((address) => (address.includes(":") ? `[${address}]:53` : address))
      .join(","),
    OPENSANDBOX_EGRESS_POLICY_FILE: `${place.stateFolder}/policy.json`,
    OPENSANDBOX_EGRESS_SOCKET: `${place.stateFolder}/egress.sock`,
    OPENSANDBOX_EGRESS_RULES_DIR: `${place.stateFolder}/rules`,
    ...(options.policy === undefined ? {} : { OPENSANDBOX_EGRESS_RULES: JSON.stringify(options.policy) }),
    ...options.env,
  };
}

async function awaitHealth(sidecar: Sidecar, hasEnded: () => boolean): Promise<void> {
  let last = "";
  const ask = async (): Promise<boolean> => {
    if (hasEnded()) throw new Error("it ended");
    const answer = await sidecar.api("GET", "/healthz").catch(() => undefined);
    last = answer?.text ?? "no answer";
    return answer?.status === 200;
  };
  await until("the sidecar is healthy", ask, LONG_MS).catch((cause: unknown) => {
    throw new Error(`the sidecar is not healthy: ${last}\n${sidecar.output()}`, { cause });
  });
}

interface Call {
  readonly socketPath: string;
  readonly token: string;
  readonly method: string;
  readonly path: string;
}

async function callSocket(call: Call, options: ApiOptions = {}): Promise<ApiAnswer> {
  const { method, path, socketPath } = call;
  const { body } = options;
  const payload = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
  const headers = {
    "OPENSANDBOX-EGRESS-AUTH": call.token,
    // Node frames the body of a DELETE only when told its length.
    ...(payload === undefined ? {} : { "Content-Length": String(Buffer.byteLength(payload)) }),
    ...options.headers,
  };
  const { promise, resolve, reject } = Promise.withResolvers<ApiAnswer>();
  const outgoing = request(
    { socketPath, method, path, headers, timeout: options.timeoutMs ?? WAIT_MS },
    (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("error", reject);
      answer.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          text,
          json: () => JSON.parse(text) as unknown,
        });
      });
    },
  );
  outgoing.on("timeout", () => outgoing.destroy(new Error(`${method} ${path}: no answer in time`)));
  outgoing.on("error", reject);
  outgoing.end(payload);
  return promise;
}

function parseLogLine(line: string): readonly Readonly<Record<string, unknown>>[] {
  try {
    return [logLineShape.parse(JSON.parse(line))];
  } catch {
    return []; // what is not JSON is for people: `output()` has it
  }
}
