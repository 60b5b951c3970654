/**
 * Files that a run writes for its caller. Their places are settled before the command is started: it may
 * change what stands there, and what it puts into their place is never written to. Under sudo the caller's
 * own rights decide, and the file is the caller's.
 */
import { closeSync, constants, existsSync, fstatSync, openSync, rmSync, writeSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { Caller } from "../config/caller.ts";
import { RunFileError } from "../errors.ts";

export interface RunFile extends Disposable {
  /** Adds at the end. Throws RunFileError. */
  append(text: string): void;
}

/** Throws RunFileError. */
export function openForAppend(path: string, caller: Caller): RunFile {
  const { O_APPEND, O_CREAT, O_WRONLY, O_NONBLOCK, O_NOFOLLOW } = constants;
  const flags = O_APPEND | O_CREAT | O_WRONLY | O_NONBLOCK | O_NOFOLLOW;
  const fd = attempt(path, () => caller.act(() => openSync(path, flags, 0o644)));
  if (!fstatSync(fd).isFile()) {
    closeSync(fd);
    throw new RunFileError(`${path}: is not a regular file`);
  }
  return {
    append: (text) => attempt(path, () => writeWhole(fd, text)),
    [Symbol.dispose]: () => closeSync(fd),
  };
}

/**
 * A file that is not there yet, to be written at the end, once. Throws RunFileError, also later, if one has
 * come in between. What could be written only in part is taken away again.
 */
export function reserveNewFile(path: string, caller: Caller): RunFile {
  if (existsSync(path)) throw new RunFileError(`${path}: is there already; name another, or remove it`);
  const folder = attempt(path, () =>
    caller.act(() => openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY)),
  );
  return {
    append(text) {
      const place = `/proc/self/fd/${folder}/${basename(path)}`;
      const fd = attempt(path, () => caller.act(() => openSync(place, "wx", 0o644)));
      try {
        attempt(path, () => writeWhole(fd, text));
      } catch (error) {
        caller.act(() => rmSync(place, { force: true }));
        throw error;
      } finally {
        closeSync(fd);
      }
    },
    [Symbol.dispose]: () => closeSync(folder),
  };
}

function writeWhole(fd: number, text: string): void {
  const octets = Buffer.from(text);
  for (let written = 0; written < octets.length;) written += writeSync(fd, octets, written);
}

function attempt<T>(path: string, open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw new RunFileError(`${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}
