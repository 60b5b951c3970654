/** What log lines are written to: the standard streams, and files that are open as long as the process lives. */
import { closeSync, constants, fstatSync, openSync, write } from "node:fs";
import { LogOutputError } from "../errors.ts";
import type { LineOutput } from "../line-sink.ts";

/** `stdout`, `stderr`, or a file's path: octets are added at its end. Throws LogOutputError. */
export function openLogOutput(name: string): LineOutput {
  const fd = name === "stdout" ? 1 : name === "stderr" ? 2 : openLogFile(name);
  return { write: (octets, done) => write(fd, octets, 0, octets.length, null, done) };
}

/** Waits for nobody: a FIFO that no process reads is refused. */
function openLogFile(path: string): number {
  const { O_APPEND, O_CREAT, O_NONBLOCK, O_WRONLY } = constants;
  try {
    const tried = openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK, 0o600);
    if (fstatSync(tried).isFile()) return tried;
    // With somebody at its other end it opens at once; lines then wait as they do for any slow reader.
    const opened = openSync(path, "a");
    closeSync(tried);
    return opened;
  } catch (error) {
    throw new LogOutputError(path, error);
  }
}
