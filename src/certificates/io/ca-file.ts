/**
 * The bundle's file, in a folder that the workload may write. It is never opened by its name and never read:
 * only removed, or replaced by one that was written beside it. Whatever the workload puts there (a symlink, a
 * folder, a FIFO) is taken out of the way, and what it links to is not touched. The workload may replace the
 * file again: it then trusts what it likes, which is its own affair. Known limit: on a read-only or full
 * volume there is no file, and this says so.
 */
import { randomBytes } from "node:crypto";
import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, rename, unlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "../../sys/make-folder.ts";
import { CaFileError } from "../errors.ts";

/** Readable by all, whatever our umask. */
const MODE = 0o644;

/** So often somebody else may put a folder there between two calls of ours. */
const ATTEMPTS = 5;

export interface CaFile {
  /** Removes what stands there, ours or not. Throws CaFileError. */
  remove(): Promise<void>;
  /** Puts the text there. Throws CaFileError: then the old one may still be there. */
  write(text: string): Promise<void>;
  /**
   * Whether what stands there is what was written last, by its inode, size and times; these may be as coarse
   * as some milliseconds.
   */
  isOurs(): Promise<boolean>;
}

export function createCaFile(path: string): CaFile {
  let written: Stats | undefined;

  async function replace(text: string): Promise<void> {
    makeFolder(dirname(path));
    const beside = besideOf(path);
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    await using file = await open(beside, flags, 0o600);
    try {
      await file.writeFile(text);
      await file.chmod(MODE);
      await renameOver(beside, path);
    } catch (error) {
      await unlinkIfThere(beside);
      throw error;
    }
    written = await sameOrThrow(file, path);
  }

  return {
    async remove() {
      written = undefined;
      await explained(path, "cannot be removed", () => takeAway(path));
    },
    async write(text) {
      written = undefined;
      await explained(path, "cannot be written", () => replace(text));
    },
    async isOurs() {
      const found = await statIfThere(path);
      return found !== undefined && written !== undefined && isSame(found, written);
    },
  };
}

/** A folder is moved aside: to empty it could take for ever. */
async function takeAway(path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const found = await statIfThere(path);
    if (found === undefined) return;
    try {
      if (found.isDirectory()) await rename(path, besideOf(path));
      else await unlink(path);
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

async function renameOver(beside: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await rename(beside, path);
    } catch (error) {
      if (attempt === ATTEMPTS || codeOf(error) !== "EISDIR") throw error;
      await takeAway(path);
    }
  }
}

/** Somebody may have exchanged the file beside before it was renamed. */
async function sameOrThrow(file: FileHandle, path: string): Promise<Stats> {
  const [ours, found] = [await file.stat(), await statIfThere(path)];
  if (found === undefined || !isSame(found, ours)) throw new Error("another process has replaced it");
  return ours;
}

function isSame(one: Stats, other: Stats): boolean {
  return (["dev", "ino", "mode", "size", "mtimeMs", "ctimeMs"] as const).every(
    (field) => one[field] === other[field],
  );
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

function besideOf(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(8).toString("hex")}`);
}

async function explained(path: string, what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new CaFileError(path, what, error);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
