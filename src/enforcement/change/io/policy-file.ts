/**
 * The persisted policy: one JSON file, whole at every instant.
 *
 * A new text is written beside the file and fsynced (`stage`), then renamed over it (`commit`). Where the
 * file is a bind mount the rename gives EBUSY; then the text goes into the file itself: one write, padded
 * with blanks to the old length, so that what follows the new text is blank and not the end of the old one;
 * then the blanks are cut off. The staged text stays beside it until that is done, so a file torn in the
 * middle of that one write is read from there at the next start.
 *
 * Known limit: if nothing can be written beside a bind-mounted file (a read-only folder), there is no such
 * second copy, and a SIGKILL within the one write may leave it torn; the next start then keeps it aside as
 * `.corrupt`.
 */
import { constants, type Stats } from "node:fs";
import { type FileHandle, copyFile, open, readlink, realpath, rename, rm, stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parsePolicyJson } from "../../../policy/parse-policy.ts";
import { findScopesFault } from "../../../policy/scope-limit.ts";
import type { PolicyText } from "../../../policy/policy-text.ts";
import type { Policy } from "../../../policy/policy.ts";
import { renderProblems } from "../../../policy/problem.ts";
import { readRegularFile } from "../../../sys/regular-file.ts";
import { PersistError, describe, errnoOf } from "../../errors.ts";

/** Where a policy is kept. A staged policy is either committed or discarded; one is staged at a time. */
export interface PolicyStorage {
  /** Makes the text ready beside the file, on the disk. Throws PersistError. */
  stage(text: Pick<PolicyText, "octets">): Promise<StagedPolicy>;
}

export interface StagedPolicy {
  /** Puts the text in the file's place; after a PersistError the file holds the old text. */
  commit(): Promise<void>;
  /** Takes the staged text away. Never throws: what stays is cleaned at the next start. */
  discard(): Promise<void>;
}

/**
 * A policy file as found at the start; `policy: undefined` if there is none that can be read. `warnings`
 * are for the log, in full.
 */
export interface LoadedPolicyFile {
  readonly policy: Policy | undefined;
  readonly warnings: readonly string[];
}

/** A place between two system calls: tests stop the process there. */
export type StepName = "opened" | "written" | "synced" | "renamed" | "overwritten" | "cut" | "done";
export type OnStep = (step: StepName) => void;

/**
 * Reads the policy file and cleans up what a killed process left beside it. An empty or broken file is copied
 * to `<file>.corrupt` and stays as it is, so each start says so until a policy has been stored. Throws
 * PersistError where the file is there but can't be read, or its folder is not there: a disk that was not
 * mounted may hold a policy.
 */
export async function loadPolicyFile(path: string): Promise<LoadedPolicyFile> {
  const real = await realPath(path);
  await guarded(path, () => stat(dirname(real)));
  const finished = await finishTornWrite(real);
  await rm(stagedPath(real), { force: true }).catch(() => undefined);
  const text = await readIfThere(real);
  const { policy, problem, warnings } = text === undefined ? NOTHING_STORED : parseStored(text.toString());
  if (problem === undefined) {
    const told = warnings.map((warning) => `policy file ${path} ${warning}`);
    return { policy, warnings: [...finished, ...told] };
  }
  const kept = await keepAside(real);
  return { policy, warnings: [`policy file ${path} ${problem}: it is not used, and ${kept}`] };
}

export function createPolicyStorage(path: string, onStep: OnStep = () => undefined): PolicyStorage {
  return {
    async stage({ octets }) {
      const text = [...octets, LINE_END];
      const real = await realPath(path);
      const beside = await guarded(path, () => writeBeside(real, text, onStep));
      return {
        commit: () => guarded(path, () => putInPlace(real, beside, text, onStep)),
        discard: () => rm(stagedPath(real), { force: true }).catch(() => undefined),
      };
    },
  };
}

const LINE_END = Buffer.from("\n");

/**
 * Writes the staged file; false if the folder takes no new file but the policy file itself is there to be
 * written.
 */
async function writeBeside(path: string, text: readonly Uint8Array[], onStep: OnStep): Promise<boolean> {
  const old = await statIfThere(path);
  if (old?.isDirectory() === true) throw Object.assign(new Error("is a folder"), { code: "EISDIR" });
  const beside = stagedPath(path);
  try {
    await using file = await openNew(beside);
    onStep("opened");
    await writeWhole(file, text);
    onStep("written");
    if (old !== undefined) await copyOwnership(file, old);
    await file.sync();
    onStep("synced");
    return true;
  } catch (error) {
    await rm(beside, { force: true }).catch(() => undefined);
    if (old === undefined || !["EROFS", "EACCES", "EPERM"].includes(errnoOf(error))) throw error;
    await (await open(path, "r+")).close();
    return false;
  }
}

/** What an earlier try has left there goes. */
async function openNew(path: string): Promise<FileHandle> {
  try {
    return await open(path, "wx", 0o600);
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    await rm(path);
    return open(path, "wx", 0o600);
  }
}

/** Mode bits are kept always, the owner where we may. */
async function copyOwnership(file: FileHandle, old: Stats): Promise<void> {
  const made = await file.stat();
  if (made.uid !== old.uid || made.gid !== old.gid) await file.chown(old.uid, old.gid).catch(() => undefined);
  if (made.mode !== old.mode) await file.chmod(old.mode & 0o7777);
}

async function putInPlace(
  path: string,
  beside: boolean,
  text: readonly Uint8Array[],
  onStep: OnStep,
): Promise<void> {
  if (!beside) {
    await overwrite(path, text, onStep);
    return;
  }
  try {
    await rename(stagedPath(path), path);
    onStep("renamed");
  } catch (error) {
    if (errnoOf(error) !== "EBUSY") throw error;
    await overwrite(path, text, onStep);
    await rm(stagedPath(path), { force: true }).catch(() => undefined);
  }
  await syncFolder(path);
  onStep("done");
}

/** See the head of this file. A failure puts the old text back, as far as the disk lets it. */
async function overwrite(path: string, pieces: readonly Uint8Array[], onStep: OnStep): Promise<void> {
  await using file = await open(path, "r+");
  const old = await file.readFile();
  const text = Buffer.concat(pieces);
  const padded = Buffer.alloc(Math.max(old.length, text.length), " ");
  text.copy(padded);
  try {
    await writeAtOnce(file, padded);
    onStep("overwritten");
    await file.truncate(text.length);
    onStep("cut");
    await file.sync();
  } catch (error) {
    await restore(file, old);
    throw error;
  }
}

async function restore(file: FileHandle, old: Buffer): Promise<void> {
  await writeAtOnce(file, old)
    .then(() => file.truncate(old.length))
    .then(() => file.sync())
    .catch(() => undefined);
}

async function writeAtOnce(file: FileHandle, octets: Buffer): Promise<void> {
  const { bytesWritten } = await file.write(octets, 0, octets.length, 0);
  requireWhole(bytesWritten, octets.length);
}

async function writeWhole(file: FileHandle, pieces: readonly Uint8Array[]): Promise<void> {
  const { bytesWritten } = await file.writev(pieces);
  requireWhole(
    bytesWritten,
    pieces.reduce((sum, { length }) => sum + length, 0),
  );
}

function requireWhole(written: number, wanted: number): void {
  if (written < wanted) throw Object.assign(new Error("the write was cut short"), { code: "ENOSPC" });
}

/**
 * Makes the rename last over a power cut. A folder that can't be synced (some network file systems) is no
 * failure: the rename is done.
 */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY).catch(() => undefined);
  await folder?.sync().catch(() => undefined);
  await folder?.close();
}

/**
 * Ends a write into a bind-mounted file that a SIGKILL cut off. It is told from other damage by its first
 * page: such a write goes page by page, so it left the first page of the staged text.
 */
async function finishTornWrite(path: string): Promise<readonly string[]> {
  const torn = await readIfThere(path);
  const staged = await readIfThere(stagedPath(path)).catch(() => undefined);
  if (torn === undefined || staged === undefined || parseStored(staged.toString()).policy === undefined)
    return [];
  const isTorn = staged
    .subarray(0, PAGE_OCTETS)
    .equals(torn.subarray(0, Math.min(PAGE_OCTETS, staged.length)));
  if (!isTorn || parseStored(torn.toString()).problem === undefined) return [];
  await guarded(path, () => putInPlace(path, true, [staged], () => undefined));
  return [`policy file ${path}: a write was cut off and has been finished`];
}

const PAGE_OCTETS = 4096;

interface Stored {
  readonly policy: Policy | undefined;
  readonly problem: string | undefined;
  readonly warnings: readonly string[];
}

const NOTHING_STORED: Stored = { policy: undefined, problem: undefined, warnings: [] };

/** As many as the kernel follows (path_resolution(7)). */
const MOST_LINKS = 40;

/**
 * A symbolic link is followed, so that a change replaces what it points at and not the link, also if nothing
 * is there yet.
 */
async function realPath(path: string, links = MOST_LINKS): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const target = links === 0 ? undefined : await readlink(path).catch(() => undefined);
    if (target === undefined) return path;
    const folder = await realpath(dirname(path)).catch(() => dirname(path));
    return realPath(resolve(folder, target), links - 1);
  }
}

function parseStored(text: string): Stored {
  const parsed = parsePolicyJson(text);
  if (!parsed.ok) return { ...NOTHING_STORED, problem: `is broken (${renderProblems(parsed.problems)})` };
  if (parsed.value === "blank") return { ...NOTHING_STORED, problem: "is empty" };
  const fault = findScopesFault(parsed.value);
  if (fault !== undefined) return { ...NOTHING_STORED, problem: `is broken (${fault})` };
  const warnings = (parsed.warnings ?? []).map((warning) => renderProblems([warning]));
  return { policy: parsed.value, problem: undefined, warnings };
}

async function keepAside(path: string): Promise<string> {
  const aside = `${path}.corrupt`;
  try {
    // Made anew: what stands there may be a link to somewhere else.
    await rm(aside, { force: true });
    await copyFile(path, aside, constants.COPYFILE_EXCL);
    return `a copy is kept as ${aside}`;
  } catch (error) {
    return `no copy of it could be kept as ${aside} (${describe(error)})`;
  }
}

async function readIfThere(path: string): Promise<Buffer | undefined> {
  try {
    return await readRegularFile(path);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw new PersistError(path, error);
  }
}

async function statIfThere(path: string): Promise<Stats | undefined> {
  return stat(path).catch((error: unknown) => {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw error;
  });
}

async function guarded<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    throw new PersistError(path, error);
  }
}

/** One fixed name: a policy file has one sidecar, and a fixed name is found again at the next start. */
function stagedPath(path: string): string {
  return `${path}.staged`;
}
