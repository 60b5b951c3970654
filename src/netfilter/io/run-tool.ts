/**
 * Runs nft(8) and ip(8) in this process's network namespace. It uses Node's own child processes, since every
 * start waits for one: execa takes 10 ms of it, and 1.4 MiB for good.
 */
import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { runInSlices } from "../../sys/in-slices.ts";
import { createMemoryFile, type MemoryFile } from "../../sys/memory-file.ts";
import { KernelError } from "../errors.ts";

/**
 * Program and leading arguments: `["nft"]`, or for another namespace `["ip", "netns", "exec", NAME, "nft"]`.
 */
export type Tool = readonly [string, ...string[]];

export interface ToolRun {
  /** Pieces of the text, made only as the tool needs them. */
  readonly input?: Iterable<string>;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Twenty times what the largest policies take. A change that hangs gets its answer after two of these, for
 * the old policy is tried again.
 */
const DEFAULT_TIMEOUT_MS = 10_000;
/**
 * Long input gets more time. That of 100,000 learned addresses, 20 MB, takes some seconds, and more if the
 * processors have other work.
 */
const OCTETS_PER_MS = 1000;
/** Between SIGTERM and SIGKILL. */
const KILL_AFTER_MS = 1000;

/**
 * Its standard output. Throws KernelError if the tool is missing, refuses, or takes too long; an aborted run
 * throws the signal's reason.
 */
export async function runTool(tool: Tool, args: readonly string[], run: ToolRun = {}): Promise<string> {
  const [file, ...leading] = tool;
  const { timeoutMs = DEFAULT_TIMEOUT_MS, signal } = run;
  signal?.throwIfAborted();
  using input = await keepInput(file, run.input);
  const limitMs = timeoutMs + Math.ceil((input?.size() ?? 0) / OCTETS_PER_MS);
  const timeout = AbortSignal.timeout(limitMs);
  const child = spawn(file, [...leading, ...args], {
    stdio: [input?.fd ?? "ignore", "pipe", "pipe"],
  });
  const end = await untilEnd(child, signal === undefined ? timeout : AbortSignal.any([timeout, signal]));
  if (end.exit === 0) return end.stdout;
  signal?.throwIfAborted();
  if (timeout.aborted) throw new KernelError("timed-out", file, `no answer in ${limitMs} ms`);
  throw describeFailure(file, end);
}

/** In a file of memory. A pipe would have to be filled while the event loop has other things to do. */
async function keepInput(
  file: string,
  pieces: Iterable<string> | undefined,
): Promise<MemoryFile | undefined> {
  if (pieces === undefined) return undefined;
  const input = createMemoryFile(file);
  try {
    await runInSlices(fill(input, pieces));
    return input;
  } catch (error) {
    input[Symbol.dispose]();
    throw error;
  }
}

function describeFailure(file: string, end: ToolEnd): KernelError {
  if (end.error?.code === "ENOENT") {
    return new KernelError(
      "tool-missing",
      file,
      `is not installed, nor in /usr/sbin or /sbin; on Debian: apt-get install ${PACKAGES[file] ?? file}`,
      end.error,
    );
  }
  const detail = explain(end.stderr) ?? end.error?.message ?? `exit ${end.exit ?? "unknown"}`;
  return new KernelError("refused", file, detail, end.error);
}

const PACKAGES: Readonly<Record<string, string>> = { nft: "nftables", ip: "iproute2" };

/** Written some pages at a time: a large ruleset's text never exists as a whole. */
function* fill(file: MemoryFile, pieces: Iterable<string>): Generator<void, void, undefined> {
  let held = "";
  for (const piece of pieces) {
    held += piece;
    if (held.length >= PIECE_OCTETS) {
      file.append(held);
      held = "";
    }
    yield;
  }
  file.append(held);
}

const PIECE_OCTETS = 1 << 14;

interface ToolEnd {
  /** Exit code or signal. */
  readonly exit: number | NodeJS.Signals | null;
  /** It could not be started. */
  readonly error: NodeJS.ErrnoException | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Settles once it has ended and its outputs are read; `stop` ends it. */
async function untilEnd(child: ChildProcess, stop: AbortSignal): Promise<ToolEnd> {
  const { promise, resolve } = Promise.withResolvers<Pick<ToolEnd, "exit" | "error">>();
  let killing: NodeJS.Timeout | undefined;
  const kill = (): void => {
    child.kill("SIGTERM");
    killing = setTimeout(() => child.kill("SIGKILL"), KILL_AFTER_MS);
  };
  const outputs = [collect(child.stdout), collect(child.stderr)] as const;
  child.once("error", (error) => resolve({ exit: null, error }));
  child.once("close", (code, signal) => resolve({ exit: code ?? signal, error: undefined }));
  stop.addEventListener("abort", kill, { once: true });
  if (stop.aborted) kill();
  try {
    const end = await promise;
    const [stdout, stderr] = outputs.map((chunks) => Buffer.concat(chunks).toString());
    return { ...end, stdout: stdout ?? "", stderr: stderr ?? "" };
  } finally {
    stop.removeEventListener("abort", kill);
    clearTimeout(killing);
  }
}

function collect(output: Readable | null): readonly Buffer[] {
  const chunks: Buffer[] = [];
  output?.on("data", (chunk: Buffer) => chunks.push(chunk));
  return chunks;
}

/** `line 12: Could not process rule: File exists`; nft quotes the line itself below that. */
function explain(stderr: string): string | undefined {
  const said = stderr.split("\n").flatMap((line) => {
    const [, place, message] = /^(?:[^ :]+:(\d+):[-\d]+: )?.*?Error: (.*)$/.exec(line) ?? [];
    if (message === undefined) return [];
    return [place === undefined ? message : `line ${place}: ${message}`];
  });
  return said.length === 0 ? undefined : said.slice(0, 3).join("; ").slice(0, 400);
}
