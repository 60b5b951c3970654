/**
 * Runs the machine's programs: bounded in time, output kept, no shell. A non-zero exit is a result here;
 * `requireCommand` makes it a `ToolError`.
 */
import type { Readable, Writable } from "node:stream";
import { execa } from "execa";
import { missingToolHint, ToolError } from "./errors.ts";

/** Program first, then its arguments. */
export type Argv = readonly [string, ...string[]];

export interface CommandOptions {
  /** Ended with SIGTERM, then SIGKILL, when it takes longer. */
  readonly timeoutMs?: number;
  readonly input?: string;
  /** The whole environment of the command, if given; otherwise this process's. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  /** A session of its own: Ctrl-C in the terminal is not for it, nor does it end with this process. */
  readonly ownSession?: boolean;
}

export interface CommandResult {
  /** `undefined` when a signal ended it or it did not start. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly durationMs: number;
}

/** How a process ended: one of the two is set, or none when it could not be started. */
export interface CommandEnd {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

/** A process under way. Read or discard both outputs, or it stops when a pipe is full. */
export interface RunningCommand {
  readonly pid: number;
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Settles when the process has ended; never rejects. */
  readonly end: Promise<CommandEnd>;
  hasEnded(): boolean;
  kill(signal: NodeJS.Signals): void;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Runs to the end. Throws only when the program is not there. */
export async function runCommand(argv: Argv, options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = argv;
  const result = await execa(file, args, {
    reject: false,
    timeout: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    forceKillAfterDelay: 1_000,
    stripFinalNewline: false,
    detached: options.ownSession ?? false,
    ...(options.input === undefined ? { stdin: "ignore" as const } : { input: options.input }),
    ...environment(options),
  });
  throwIfMissing(argv, result);
  return {
    exitCode: result.exitCode,
    signal: result.signal,
    stdout: result.stdout ?? "",
    stderr: result.stderr ?? "",
    timedOut: result.timedOut,
    durationMs: result.durationMs,
  };
}

/**
 * Runs to the end and gives back standard output; throws a `ToolError` with what it said when it did not exit
 * with 0. It is for short commands that make or undo something: Ctrl-C does not end them half-way.
 */
export async function requireCommand(argv: Argv, options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(argv, { ownSession: true, ...options });
  if (result.exitCode === 0) return result.stdout;
  const reason = result.timedOut ? "took too long" : (result.signal ?? `exit ${String(result.exitCode)}`);
  throw new ToolError("tool-failed", argv, result.stderr.trim() || reason);
}

/** Starts a long-running command with pipes on all three ends; it is ended when this process ends. */
export function startCommand(argv: Argv, options: CommandOptions = {}): RunningCommand {
  const [file, ...args] = argv;
  const child = execa(file, args, {
    reject: false,
    buffer: false,
    stdin: "pipe",
    // What ends in order may take long on a busy machine.
    forceKillAfterDelay: 60_000,
    detached: options.ownSession ?? false,
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
    ...environment(options),
  });
  let ended = false;
  const waitForEnd = async (): Promise<CommandEnd> => {
    const { exitCode, signal } = await child;
    ended = true;
    return { exitCode, signal };
  };
  child.stdin.on("error", () => undefined); // it ended before it read all: its end says so
  return {
    pid: child.pid ?? 0,
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    end: waitForEnd(),
    hasEnded: () => ended,
    kill: (signal) => void child.kill(signal),
  };
}

function environment(options: CommandOptions): {
  env?: Record<string, string | undefined>;
  extendEnv?: false;
  cwd?: string;
} {
  return {
    ...(options.env === undefined ? {} : { env: { ...options.env }, extendEnv: false as const }),
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  };
}

function throwIfMissing(argv: Argv, result: { code?: string | undefined; cause?: unknown }): void {
  if (result.code !== "ENOENT") return;
  throw new ToolError("tool-missing", argv, missingToolHint(argv[0]), result.cause);
}
