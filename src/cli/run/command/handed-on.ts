/**
 * What the command of a run would get from the program that started us, and whether that leads out of its
 * confinement.
 */
import { fstatSync } from "node:fs";
import { accepted, refused, refusedAll, type Result } from "../../../policy/problem.ts";

const STREAMS = ["standard input", "standard output", "standard error"];

/**
 * The working directory, as a path. Refused: one that has been deleted, and a folder as a standard stream,
 * from which `..` leads through the machine's own tree. Files, pipes, sockets and terminals there are what
 * the caller chose to hand on.
 */
export function findHandedOn(): Result<{ readonly directory: string }> {
  const folders = STREAMS.filter((_stream, fd) => isFolder(fd));
  if (folders.length > 0) {
    const message = "is a folder, which leads out of the confinement; give a file, a pipe or /dev/null";
    return refusedAll(folders.map((path) => ({ path, message })));
  }
  const directory = workingDirectory();
  return directory === undefined
    ? refused("the working directory has been deleted")
    : accepted({ directory });
}

function isFolder(fd: number): boolean {
  try {
    return fstatSync(fd).isDirectory();
  } catch {
    return false; // closed, and the command gets none either
  }
}

function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
