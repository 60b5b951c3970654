/** What log lines are written to: the standard streams, and files that are open as long as the process lives. */
import { openSync, write } from "node:fs";
import { LogOutputError } from "../errors.ts";
import type { LineOutput } from "../line-sink.ts";

/** `stdout`, `stderr`, or a file's path: octets are added at its end. Throws LogOutputError. */
export function openLogOutput(name: string): LineOutput {
  const fd = name === "stdout" ? 1 : name === "stderr" ? 2 : openLogFile(name);
  return { write: (octets, done) => write(fd, octets, 0, octets.length, null, done) };
}

function openLogFile(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (error) {
    throw new LogOutputError(path, error);
  }
}
