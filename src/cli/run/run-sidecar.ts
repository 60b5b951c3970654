/**
 * The sidecar of a run: this same program as `egress serve` in the run's namespace, known to be ready once
 * this settles.
 */
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { VARIABLES } from "../../config/variables.ts";
import { type Policy, renderPolicy } from "../../policy/policy.ts";
import { drawHex } from "../../sys/random.ts";
import { SidecarStartError } from "./errors.ts";
import { parseObject, stringOf } from "./json.ts";
import type { SidecarEnd, WaitingSidecar } from "./waiting-sidecar.ts";
import { trustedPath } from "./command/trusted-path.ts";

export interface RunSidecarOptions {
  readonly waiting: WaitingSidecar;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly policy: Policy;
  /** Nothing is denied, and the kernel still tells of each connection. */
  readonly isAudit: boolean;
  readonly upstreams: string;
  readonly socketPath: string;
  /** Of rule files that stay as they are. */
  readonly rulesDirectory: string;
  /** Settings that the run's secrets need. */
  readonly ofSecrets: Readonly<Record<string, string | undefined>>;
  /** Gets each line of its log. */
  readonly onLine: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface RunSidecar extends AsyncDisposable {
  readonly end: Promise<SidecarEnd>;
}

/**
 * The unix socket is what a run needs. Nobody serves on this port, so that the usual ones are the command's.
 */
const UNUSED_ADDRESS = "127.0.0.1:1";

const READY_TIMEOUT_MS = 15_000;
const STOP_TIMEOUT_MS = 3_000;
const LINES_KEPT = 20;

/**
 * Lets it begin and waits until its log says that it serves; throws `SidecarStartError`, or the reason of
 * `signal`. Disposing ends it, log read to the end.
 */
export async function startRunSidecar(options: RunSidecarOptions): Promise<RunSidecar> {
  const child = options.waiting;
  child.begin(sidecarEnvironment(options));
  const last: string[] = [];
  const keep = (line: string): void => {
    if (last.push(line) > LINES_KEPT) last.shift();
  };
  createInterface({ input: child.stderr }).on("line", keep);
  const log = createInterface({ input: child.stdout });
  const ready = Promise.withResolvers<void>();
  let isReady = false;
  log.on("line", (line) => {
    keep(line);
    isReady ||= stringOf(parseObject(line), "opensandbox.event") === "egress.ready";
    if (isReady) ready.resolve();
    options.onLine(line);
  });
  const sidecar: RunSidecar = {
    end: child.end,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await Promise.race([child.end, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      child.kill("SIGKILL");
      await child.end;
    },
  };
  try {
    await awaitReady(ready.promise, child.end, options.signal);
    return sidecar;
  } catch (error) {
    await sidecar[Symbol.asyncDispose]();
    options.signal.throwIfAborted();
    throw new SidecarStartError(
      String(error instanceof Error ? error.message : error),
      (await child.end).exitCode,
      last,
    );
  }
}

/** The caller's own settings hold unless the run needs its own: see `run-settings.ts`. */
function sidecarEnvironment(options: RunSidecarOptions): Record<string, string | undefined> {
  const { env } = options;
  const settings = Object.entries(env).filter(
    ([name]) => name.startsWith("OPENSANDBOX_") || name.startsWith("OTEL_"),
  );
  return {
    ...Object.fromEntries(settings),
    PATH: trustedPath(env["PATH"]),
    OPENSANDBOX_EGRESS_RULES: JSON.stringify(renderPolicy(policyOf(options))),
    OPENSANDBOX_EGRESS_AUDIT: String(options.isAudit),
    OPENSANDBOX_EGRESS_POLICY_FILE: "",
    [VARIABLES.rulesDirectory.name]: options.rulesDirectory,
    OPENSANDBOX_EGRESS_TOKEN: drawHex(24),
    OPENSANDBOX_EGRESS_HTTP_ADDR: UNUSED_ADDRESS,
    OPENSANDBOX_EGRESS_SOCKET: options.socketPath,
    OPENSANDBOX_EGRESS_DNS_UPSTREAM: options.upstreams,
    OPENSANDBOX_EGRESS_LOG_LEVEL: "info",
    OPENSANDBOX_LOG_OUTPUT: "stdout",
    [VARIABLES.allowLocalWrites.name]: "false",
    [VARIABLES.lookupLinesPerSecond.name]: "0",
    [VARIABLES.vaultSources.name]: "",
    [VARIABLES.allowHostNetns.name]: "false",
    ...options.ofSecrets,
  };
}

/**
 * What the default action allows, the kernel does not tell of; in audit mode a default of deny lets it pass
 * as well.
 */
function policyOf({ policy, isAudit }: RunSidecarOptions): Policy {
  return isAudit ? { ...policy, defaultAction: "deny" } : policy;
}

/**
 * Settles once `ready` does; throws if the sidecar ends before, or takes too long, or `signal` is aborted.
 */
async function awaitReady(
  ready: Promise<void>,
  end: Promise<SidecarEnd>,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController();
  const stop = AbortSignal.any([signal, over.signal]);
  const ended = end.then(() => "the sidecar ended");
  const late = sleep(READY_TIMEOUT_MS, "the sidecar is not ready in time", { signal: stop });
  try {
    const failure = await Promise.race([ready, ended, late]);
    if (failure !== undefined) throw new Error(failure);
  } finally {
    over.abort();
    await late.catch(() => undefined);
  }
}
