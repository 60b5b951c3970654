/**
 * The process of a run's sidecar, in the network namespace that is the run's, started before anything else is
 * done: Node takes as long to start and to load the sidecar as a run takes for all that it prepares
 * meanwhile. It does nothing until its environment is handed to it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import type { Readable } from "node:stream";
import { SystemCallError } from "../../sys/errors.ts";
import { keepFromChildren } from "../../sys/inherited.ts";
import { inNamespace, makeNamespace } from "../../sys/network-namespace.ts";
import type { CliContext } from "../context.ts";
import { kernelRefuses, NetworkSetupError } from "./errors.ts";
import type { Environment } from "../../config/environment.ts";
import { renderHanded } from "./handed.ts";
import { trustedPath } from "./command/trusted-path.ts";

export interface WaitingSidecar extends Disposable {
  /** An open file of the network namespace. Disposing closes it. */
  readonly namespace: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  readonly end: Promise<SidecarEnd>;
  /** Lets it begin. Once. */
  begin(env: Environment): void;
  kill(signal: NodeJS.Signals): void;
}

/** One of the two is set, or none if it could not be started. */
export interface SidecarEnd {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Undefined if the command line asks for no run, or if it has to wait until there is more to know: then the
 * code that needs it starts it.
 */
export function startEarly(argv: readonly string[], context: CliContext): WaitingSidecar | undefined {
  const end = argv.indexOf("--");
  const runsNothing = argv.slice(0, Math.max(end, 0)).some((word) => OTHERS.has(word));
  if (end === -1 || runsNothing || process.getuid?.() !== 0) return undefined;
  try {
    return startWaiting(context);
  } catch {
    return undefined; // what cannot be made is told by who makes it in its time
  }
}

const OTHERS: ReadonlySet<string> = new Set(["--help", "-h", "--clean", "--dry-run"]);

/** The kernel ends it when this process has ended. */
const WITH_US = ["setpriv", "--pdeathsig", "KILL"] as const;

/** Disposing ends it at once if it is still there. Throws NetworkSetupError, Node's errors. */
export function startWaiting({ env, program }: Pick<CliContext, "env" | "program">): WaitingSidecar {
  keepFromChildren();
  const namespace = makeOwnNamespace();
  const [file, ...args] = [...WITH_US, ...program, "serve", "--handed"] as const;
  // In the program's folder: the sidecar must not be where the command works, and may outlive that folder.
  const place = { env: { PATH: trustedPath(env["PATH"]) }, cwd: "/", detached: true };
  const child = inNamespace(namespace, () => spawn(file, args, place));
  child.stdin.on("error", () => undefined); // it ended before it read all: its end says so
  return {
    namespace,
    stdout: child.stdout,
    stderr: child.stderr,
    end: endOf(child),
    begin: (given) => void child.stdin.end(renderHanded(given)),
    kill: (signal) => void child.kill(signal),
    [Symbol.dispose]() {
      child.kill("SIGKILL");
      closeSync(namespace);
    },
  };
}

function makeOwnNamespace(): number {
  try {
    return makeNamespace();
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new NetworkSetupError(kernelRefuses(error), { cause: error });
  }
}

/** Once its output can be read to the end, too. Never rejects. */
async function endOf(child: ChildProcess): Promise<SidecarEnd> {
  const { promise, resolve } = Promise.withResolvers<SidecarEnd>();
  child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  child.once("error", () => resolve({ exitCode: null, signal: null }));
  return promise;
}
