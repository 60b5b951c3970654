/**
 * The command of a run while it runs: its standard streams, signals handed on, the exit code as a shell gives
 * it.
 */
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { fstatSync } from "node:fs";
import { constants } from "node:os";
import { Duplex } from "node:stream";
import { isatty } from "node:tty";
import { createMemoryFile } from "../../../sys/memory-file.ts";
import type { RunNamespace } from "../network/run-network.ts";
import type { CallerTerminal } from "../terminal/caller-terminal.ts";
import { followJob, type TerminalJob } from "../terminal/terminal-job.ts";
import { carry } from "./carry.ts";
import type { CommandUser } from "./command-user.ts";
import { confinedArgv, isPrepared } from "./confinement.ts";
import { type ExactStart, renderStart } from "./exact-start.ts";
import { prepareOwnPlaces } from "./own-places.ts";
import { requirePlace } from "./require-place.ts";
import { stopTogether } from "../processes/stop-together.ts";
import { openSocketRelay, type SocketRelay } from "./socket-relay.ts";
import { childrenOf, deliver, descendantsOf, readText } from "../processes/process-tree.ts";

export interface ConfinedCommand {
  /**
   * Lets the command begin, once its place is what it was to be. Once. Throws ConfinementError, Node's
   * errors.
   */
  begin(): Promise<void>;
  /** The command's exit code, or 128 plus the signal's number if one ended it. Never rejects. */
  readonly exitCode: Promise<number>;
  /** Hands a signal to the command itself. */
  forward(signal: NodeJS.Signals): void;
  /** Ends it and everything that it started, at once. */
  kill(): void;
}

export interface CommandSetting {
  /** Its working directory, walked to inside the new mounts. */
  readonly directory: string;
  /** The folder with the run's files. */
  readonly folder: string;
  /** Where the folders of runs are. */
  readonly runs: string;
  /** The text of its /etc/resolv.conf. */
  readonly resolvConf: string;
  /** Files that it may only read. */
  readonly readOnly: readonly string[];
  /** A folder that it sees as `/run/egress`; none if undefined. */
  readonly trust: string | undefined;
  /** Folders in which the programs of the set-up are looked for. */
  readonly path: string;
  /** Whom it is; root if undefined. */
  readonly user: CommandUser | undefined;
  /** The caller's, in whose place the command gets one of its own. */
  readonly terminal: CallerTerminal | undefined;
  /** Tells why the command has to be ended. */
  readonly complain: (text: string) => void;
}

/** Makes its place; the command itself waits in it until it may begin. */
export function startConfinedCommand(
  namespace: RunNamespace,
  start: ExactStart,
  setting: CommandSetting,
): ConfinedCommand {
  const { directory, folder, runs, resolvConf, readOnly, trust, user, terminal, complain } = setting;
  // Root of the user namespace that mounts them is the command's user outside of it.
  const uid = user?.isMapped === true ? 0 : (user?.uid ?? 0);
  const { script: mounts, wanted } = prepareOwnPlaces({ folder, resolvConf, uid, runs, readOnly, trust });
  const [file, ...args] = confinedArgv({ directory, mounts, user, terminal: terminal?.streams ?? [] });
  const options = { cwd: "/", env: { PATH: setting.path }, detached: true };
  using handed = createMemoryFile("egress-command");
  handed.append(renderStart(start));
  const { child, relay } = namespace.enter(() => {
    const opened = openSocketRelay();
    const stdio = [...streamsOf(terminal, opened), "pipe" as const, handed.fd];
    const spawned = spawn(file, args, { ...options, stdio });
    return { child: spawned, relay: opened };
  });
  relay.start();
  passOn(child);
  const control = child.stdio[3];
  assert(control instanceof Duplex);
  control.on("error", () => undefined); // process 1 is gone, which its end says
  let job: TerminalJob | undefined;
  let endedBySignal: NodeJS.Signals | undefined;
  const waitForEnd = async (): Promise<number> => {
    const { exitCode, signal } = await endOf(child);
    await relay.finish();
    await job?.finish();
    const cause = endedBySignal ?? signal;
    return cause === null ? (exitCode ?? 127) : 128 + constants.signals[cause];
  };
  const init = (): number | undefined => initOf(child.pid);
  const onForeign = (): void => {
    complain("the command has taken the line to its process 1, so it is ended");
    child.kill("SIGKILL");
  };
  const isGivenUp = (): boolean => endedBySignal !== undefined;
  const place = { maker: child, control, init, wanted, isGivenUp };
  return {
    async begin() {
      await requirePlace(place);
      if (terminal === undefined) job = followPlainly(control, init);
      else job = followJob({ terminal, control, init, isShared: isPipeline(), onForeign });
    },
    exitCode: waitForEnd(),
    forward(signal) {
      const pid = commandPid(child.pid);
      if (pid !== undefined) {
        // Ctrl-C is for all that the command runs, as in a terminal; the rest is for the command to deal
        // with.
        const receivers = signal === "SIGINT" ? [pid, ...descendantsOf(pid)] : [pid];
        for (const receiver of receivers) deliver(receiver, signal);
        return;
      }
      if (hasEnded(child)) return relay.abandon(); // nobody reads the rest of what it has written
      endedBySignal = signal; // the command has not started yet, and now never will
      child.kill("SIGKILL");
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/**
 * Of a terminal the command gets no descriptor: process 1 opens its own in their place, and a second terminal
 * is behind a pipe.
 */
function streamsOf(
  terminal: CallerTerminal | undefined,
  relay: SocketRelay,
): readonly (number | "ignore" | "pipe" | "inherit")[] {
  return [0, 1, 2].map((fd) => {
    if (terminal?.streams.includes(fd) === true) return "ignore";
    return relay.inPlaceOf(fd) ?? (isatty(fd) ? "pipe" : "inherit");
  });
}

function passOn({ stdin, stdout, stderr }: ChildProcess): void {
  if (stdin !== null) {
    stdin.on("error", () => undefined); // it reads no more
    carry(process.stdin, stdin, { ends: true });
  }
  if (stdout !== null) carry(stdout, process.stdout, { ends: false });
  if (stderr !== null) carry(stderr, process.stderr, { ends: false });
}

/** Without a terminal: it begins, and stops with us as a job of the caller's shell. */
function followPlainly(control: Duplex, init: () => number | undefined): TerminalJob {
  const stops = stopTogether(init);
  control.end("go\n");
  return {
    async finish() {
      stops[Symbol.dispose]();
    },
  };
}

function hasEnded({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}

/** Once its output is read to the end, too. */
async function endOf(
  child: ChildProcess,
): Promise<{ readonly exitCode: number | null; readonly signal: NodeJS.Signals | null }> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof endOf>>>();
  child.once("close", (exitCode, signal) => resolve({ exitCode, signal }));
  child.once("error", () => resolve({ exitCode: null, signal: null })); // it could not be started
  return promise;
}

/** Whether the program at the other end of a pipe may use the caller's terminal as well. */
function isPipeline(): boolean {
  return [0, 1].some((fd) => {
    try {
      return fstatSync(fd).isFIFO();
    } catch {
      return false; // closed
    }
  });
}

/** Process 1 of the new namespaces, which is `unshare`'s one child. */
function initOf(unsharePid: number | undefined): number | undefined {
  return unsharePid === undefined ? undefined : childrenOf(unsharePid)[0];
}

/** Process 1's one child; `undefined` while process 1 still prepares the place. */
function commandPid(unsharePid: number | undefined): number | undefined {
  const init = initOf(unsharePid);
  if (init === undefined || !isPrepared(readText(`/proc/${init}/cmdline`))) return undefined;
  return childrenOf(init)[0];
}
