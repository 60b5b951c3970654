import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { READABLE_BY_ALL, withUmask } from "./umask.ts";

/**
 * Makes the folder and those above it, mode 0755 whatever the umask, each tried once. Node's own recursive
 * way tries forever if the folder above has been deleted while something is mounted on it. It also reports a
 * read-only file system as a missing folder. Throws Node's errors.
 */
export function makeFolder(path: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  if (dirname(path) !== path) makeFolder(dirname(path));
  try {
    withUmask(READABLE_BY_ALL, () => mkdirSync(path, { mode: 0o755 }));
  } catch (error) {
    // Another process may have made it meanwhile.
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
  }
}

/** Each try loses only against somebody who removes the empty folder between two system calls. */
const MAX_TRIES = 10_000;

/**
 * Writes the file, in a folder that is made if it is not there. Others may remove that folder whenever it is
 * empty. Throws Node's errors.
 */
export function writeIntoFolder(path: string, text: string): void {
  for (let tries = 1; ; tries += 1) {
    try {
      makeFolder(dirname(path));
      writeFileSync(path, text);
      return;
    } catch (error) {
      if (!isGone(error, dirname(path)) || tries === MAX_TRIES) throw error;
    }
  }
}

/**
 * EEXIST without a file there: another process has made the folder, and one has removed it before we looked.
 */
function isGone(error: unknown, folder: string): boolean {
  if (!(error instanceof Error && "code" in error)) return false;
  if (error.code !== "EEXIST") return error.code === "ENOENT";
  return statSync(folder, { throwIfNoEntry: false })?.isDirectory() !== false;
}
