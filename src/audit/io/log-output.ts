/**
 * What log lines are written to: the standard streams, and files that are open as long as the process lives.
 */
import { closeSync, constants, fstatSync, openSync, write } from "node:fs";
import { LogOutputError } from "../errors.ts";
import type { LineOutput } from "../line-sink.ts";

/** `stdout`, `stderr`, or a file's path: octets are added at its end. Throws LogOutputError. */
export function openLogOutput(name: string): LineOutput {
  const fd = STREAMS.get(name) ?? openLogFile(name);
  return { write: (octets, done) => write(fd, octets, 0, octets.length, null, done) };
}

/** Links that every machine has, to what is open already. */
const STREAMS: ReadonlyMap<string, number> = new Map([
  ["stdout", 1],
  ["stderr", 2],
  ["/dev/stdout", 1],
  ["/dev/stderr", 2],
  ["/proc/self/fd/1", 1],
  ["/proc/self/fd/2", 2],
]);

/**
 * Waits for nobody: a FIFO that no process reads is refused. A link is not followed: where the folder is one
 * that the workload may write, it would have our lines written into any file of the sidecar's.
 */
function openLogFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK, O_WRONLY } = constants;
  const append = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW;
  try {
    const tried = openSync(path, append | O_NONBLOCK, 0o600);
    if (fstatSync(tried).isFile()) return tried;
    // With somebody at its other end it opens at once; lines then wait as they do for any slow reader.
    const opened = openSync(path, append, 0o600);
    closeSync(tried);
    return opened;
  } catch (error) {
    throw new LogOutputError(
      path,
      isLink(error) ? new Error("a link stands there: name the file itself") : error,
    );
  }
}

function isLink(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ELOOP";
}
