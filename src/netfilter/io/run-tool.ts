/** Runs nft(8) and ip(8) in this process's network namespace. */
import { execa } from "execa";
import { KernelError } from "../errors.ts";

/** Program and leading arguments: `["nft"]`, or for another namespace `["ip", "netns", "exec", NAME, "nft"]`. */
export type Tool = readonly [string, ...string[]];

export interface ToolRun {
  readonly input?: string;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_TIMEOUT_MS = 30_000;

/** Its standard output. Throws KernelError when it is missing, says no, or takes too long; an aborted run throws the signal's reason. */
export async function runTool(tool: Tool, args: readonly string[], run: ToolRun = {}): Promise<string> {
  const [file, ...leading] = tool;
  run.signal?.throwIfAborted();
  const result = await execa(file, [...leading, ...args], {
    reject: false,
    timeout: run.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    forceKillAfterDelay: 1000,
    env: { LC_ALL: "C" },
    ...(run.input === undefined ? { stdin: "ignore" as const } : { input: run.input }),
    ...(run.signal === undefined ? {} : { cancelSignal: run.signal }),
  });
  if (!result.failed) return result.stdout;
  run.signal?.throwIfAborted();
  if (result.timedOut)
    throw new KernelError("timed-out", file, `no answer in ${run.timeoutMs ?? DEFAULT_TIMEOUT_MS} ms`);
  if (result.code === "ENOENT") throw new KernelError("tool-missing", file, "is not installed", result.cause);
  throw new KernelError(
    "refused",
    file,
    explain(result.stderr) ?? `exit ${result.exitCode ?? result.signal ?? "unknown"}`,
  );
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
