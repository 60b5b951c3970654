/**
 * A folder that a lock (flock(2)) marks as in use. The lock ends with its holder, and holds in every
 * namespace that sees the folder.
 */
import { closeSync, fstatSync, mkdirSync, openSync } from "node:fs";
import { tryCall } from "./libc.ts";

const LOCK_EX_NB = 2 | 4;

export interface LockedFolder extends Disposable {
  readonly path: string;
}

/**
 * Makes the folder for this process alone, mode 0700; undefined if a sweep has taken it away meanwhile.
 * Throws Node's errors.
 */
export function makeLockedFolder(path: string): LockedFolder | undefined {
  mkdirSync(path, { mode: 0o700 });
  return lockFolder(path);
}

/** Locks the folder; undefined if it is in use, or is gone. Disposing it lets go. */
export function lockFolder(path: string): LockedFolder | undefined {
  const fd = open(path);
  if (fd === undefined) return undefined;
  if (tryCall("flock", fd, LOCK_EX_NB) === 0 && fstatSync(fd).nlink > 0)
    return { path, [Symbol.dispose]: () => closeSync(fd) };
  closeSync(fd);
  return undefined;
}

function open(path: string): number | undefined {
  try {
    return openSync(path, "r");
  } catch {
    return undefined; // gone, or none that we may look into
  }
}
