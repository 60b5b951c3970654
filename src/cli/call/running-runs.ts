/**
 * The runs of `egress run` that are under way on this machine: each has a folder, locked as long as it lives.
 * The socket of its sidecar lies in that of a root's run. That of a user's run is only found by way of the
 * process that holds the run: see `run/network/run-folder.ts`.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { oneLine, refused, accepted, type Result } from "../../policy/problem.ts";
import { lockFolder } from "../../sys/locked-folder.ts";
import { findMappedUser } from "../../sys/user-namespace.ts";

/** Where the folders of root's runs are. */
export const PLACE_OF_ROOT = "/run";
/** A folder of root's, where a user's run alone sees its files: something else is there for all others. */
const PLACE_OF_USERS_FILES = "/dev/shm";
const FOLDER = /^egress-run-/;
const SOCKET = "egress.sock";
const LABEL = "command";
const LABEL_LENGTH = 80;

/**
 * Where the folders of this user's runs are. A run without root is root of a user namespace, and still is
 * this user.
 */
export function findRunsPlace(env: Readonly<Record<string, string | undefined>>): string {
  const uid = findMappedUser()?.uid ?? process.getuid?.() ?? 0;
  if (uid === 0) return PLACE_OF_ROOT;
  const given = env["XDG_RUNTIME_DIR"];
  // Below /run the command of a run does not see it.
  return given?.startsWith("/run/") === true && isOwn(given) ? given : join(tmpdir(), `egress-${uid}`);
}

/** Whether it is a folder of ours, which nobody else may look into. */
export function isOwn(path: string): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  return found?.isDirectory() === true && found.uid === process.getuid?.() && (found.mode & 0o077) === 0;
}

/** Where the run itself finds the files of a user's run with this folder. */
export function filesOfUsersRun(folder: string): string {
  return join(PLACE_OF_USERS_FILES, basename(folder));
}

/** The socket of the run that has its files there. */
export function socketOfRun(files: string): string {
  return join(files, SOCKET);
}

/** Leaves in the folder what people know the run by. Throws Node's errors. */
export function labelRun(folder: string, command: readonly string[]): void {
  writeFileSync(join(folder, LABEL), `${process.pid}: ${command.join(" ")}`, { mode: 0o600 });
}

/** The socket of the one run that is under way; otherwise what to do if there is none, or several. */
export function findRunSocket(place: string): Result<string> {
  const runs = (existsSync(place) ? readdirSync(place) : [])
    .filter((name) => FOLDER.test(name))
    .flatMap((name) => findRun(join(place, name)));
  const [run, ...others] = runs;
  if (run === undefined) return refused("no run is under way that you may talk to", "--run");
  if (others.length === 0) return accepted(run.socket);
  const shown = runs.map(({ folder, socket }) => `--socket ${socket} (process ${readLabel(folder)})`);
  return refused(`${runs.length} runs are under way, give one: ${shown.join(", ")}`, "--run");
}

interface FoundRun {
  readonly folder: string;
  readonly socket: string;
}

function findRun(folder: string): readonly FoundRun[] {
  const files = dirname(folder) === PLACE_OF_ROOT ? folder : filesForUs(folder);
  if (files === undefined || !isHeld(folder)) return [];
  const socket = socketOfRun(files);
  return existsSync(socket) ? [{ folder, socket }] : [];
}

/**
 * Where the files of a user's run are for us: below the root of the process that its label names. What else
 * writes there, such as the command of another run, can name no process that passes: one of a run's command
 * is in a process namespace below ours, and any other has no such mount.
 */
function filesForUs(folder: string): string | undefined {
  const pid = /^\d{1,10}(?=: )/.exec(readLabel(folder))?.[0];
  if (pid === undefined || !isBesideUs(pid)) return undefined;
  const place = join(`/proc/${pid}/root`, PLACE_OF_USERS_FILES);
  const files = join(`/proc/${pid}/root`, filesOfUsersRun(folder));
  try {
    const isOther = lstatSync(place).dev !== lstatSync(PLACE_OF_USERS_FILES).dev;
    return isOther && isOwn(place) && isOwn(files) ? files : undefined;
  } catch {
    return undefined; // it has just ended, or is nobody's run
  }
}

/** Whether the process is in our process namespace, and in none below. */
function isBesideUs(pid: string): boolean {
  try {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    return new RegExp(`^NSpid:\\s*${pid}$`, "m").test(status);
  } catch {
    return false; // it has ended
  }
}

function isHeld(path: string): boolean {
  using lock = lockFolder(path);
  return lock === undefined;
}

function readLabel(path: string): string {
  try {
    return oneLine(readFileSync(join(path, LABEL), "utf8").slice(0, LABEL_LENGTH));
  } catch {
    return "unknown"; // it is just starting, or ending
  }
}
