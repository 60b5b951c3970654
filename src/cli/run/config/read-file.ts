/** Reads a file that a person wrote: whole, bounded, without waiting for anybody, and with whose it is. */
import { closeSync, constants, fstatSync, lstatSync, openSync, readFileSync, readlinkSync } from "node:fs";

export interface FoundFile {
  readonly path: string;
  readonly text: string;
  /**
   * Users who can say what it holds: who owns it or the link to it. Everybody, where all may write to it, is
   * `"all"`.
   */
  readonly writers: readonly (number | "all")[];
}

const MOST_OCTETS = 1 << 20;

/**
 * Undefined if there is none. Throws an error with a text for people for what is no file, too large or a link
 * to nothing, which somebody has put there to hold; and Node's errors.
 */
export function readPersonsFile(path: string): FoundFile | undefined {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if (!isAbsent(error)) throw error;
    if (!isThere(path)) return undefined;
    throw new Error(`is a link to ${readlinkSync(path)}, which is not there`, { cause: error });
  }
  try {
    const found = fstatSync(fd);
    if (!found.isFile()) throw new Error("is not a regular file");
    if (found.size > MOST_OCTETS) throw new Error(`is larger than ${MOST_OCTETS} octets`);
    const writers = [found.uid, lstatSync(path).uid, ...((found.mode & 0o002) === 0 ? [] : ["all" as const])];
    return { path, text: readFileSync(fd, "utf8"), writers };
  } finally {
    closeSync(fd);
  }
}

/** Also if it is a link to nothing. */
export function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}
