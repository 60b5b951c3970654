/** The command of a run while it runs: this process's own standard streams, signals handed on, the exit code as a shell gives it. */
import { readFileSync, readlinkSync } from "node:fs";
import { constants } from "node:os";
import { execa } from "execa";
import { withSystemFolders } from "../../../config/program-path.ts";
import type { Argv } from "../../../netns/command.ts";
import type { RunNamespace } from "../network/run-network.ts";
import { confinedArgv, WAITING } from "./confinement.ts";
import { prepareOwnPlaces } from "./own-places.ts";

export interface ConfinedCommand {
  /** The command's exit code, 128 plus the signal's number where one ended it. Never rejects. */
  readonly exitCode: Promise<number>;
  /** Hands a signal to the command itself; what the terminal sends to both of us by itself is left out. */
  forward(signal: NodeJS.Signals): void;
  /** Ends it and everything that it started, at once. */
  kill(): void;
}

export interface CommandPlace {
  /** Its working directory, walked to inside the new mounts. */
  readonly directory: string;
  /** A folder of the run's. */
  readonly folder: string;
  /** The text of its /etc/resolv.conf. */
  readonly resolvConf: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function startConfinedCommand(
  namespace: RunNamespace,
  command: Argv,
  place: CommandPlace,
): ConfinedCommand {
  const sharesTerminal = process.stdin.isTTY && !canTypeIntoTerminal();
  const { directory, folder, resolvConf, env } = place;
  const mounts = prepareOwnPlaces({ folder, resolvConf, console: findTerminal() });
  const [file, ...args] = confinedArgv(command, { directory, mounts, path: env["PATH"] });
  const options = {
    cwd: "/",
    stdio: "inherit",
    reject: false,
    buffer: false,
    env: { ...env, PATH: withSystemFolders(env["PATH"]) },
    extendEnv: false,
    detached: !sharesTerminal,
  } as const;
  const child = namespace.enter(() => execa(file, args, options));
  let endedBySignal: NodeJS.Signals | undefined;
  const waitForEnd = async (): Promise<number> => {
    const { exitCode, signal } = await child;
    const cause = endedBySignal ?? signal;
    return cause === undefined ? (exitCode ?? 127) : 128 + constants.signals[cause];
  };
  return {
    exitCode: waitForEnd(),
    forward(signal) {
      if (sharesTerminal && (signal === "SIGINT" || signal === "SIGQUIT")) return;
      const pid = commandPid(child.pid);
      if (pid !== undefined) {
        // Ctrl-C is for all that the command runs, as in a terminal; the rest is for the command to deal with.
        const receivers = signal === "SIGINT" ? [pid, ...descendants(pid)] : [pid];
        for (const receiver of receivers) deliver(receiver, signal);
        return;
      }
      endedBySignal = signal; // the command has not started yet, and now never will
      child.kill("SIGKILL");
    },
    kill: () => void child.kill("SIGKILL"),
  };
}

/** What standard input is, if that is a terminal. */
function findTerminal(): string | undefined {
  return process.stdin.isTTY ? readlinkSync("/proc/self/fd/0") : undefined;
}

/**
 * Whether a process may put characters into the input of its controlling terminal (TIOCSTI), and so type commands into the shell
 * that started us. Kernels before 6.2 always allow it; then the command gets a session of its own, without job control.
 */
function canTypeIntoTerminal(): boolean {
  return readText("/proc/sys/dev/tty/legacy_tiocsti") !== "0";
}

/** From `unshare` to process 1 of the new namespace to its one child; `undefined` while process 1 still prepares the place. */
function commandPid(unsharePid: number | undefined): number | undefined {
  const init = firstChild(unsharePid);
  if (init === undefined || !readText(`/proc/${init}/cmdline`).startsWith(`sh\0-c\0${WAITING}\0`))
    return undefined;
  return firstChild(init);
}

function firstChild(pid: number | undefined): number | undefined {
  return pid === undefined ? undefined : children(pid)[0];
}

function descendants(pid: number): readonly number[] {
  return children(pid).flatMap((child) => [child, ...descendants(child)]);
}

function children(pid: number): readonly number[] {
  return readText(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
}

function deliver(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    return; // it ended meanwhile
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
