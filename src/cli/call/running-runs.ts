/**
 * The runs of `egress run` that are under way on this machine: each has a folder, locked as long as it lives,
 * with its sidecar's socket.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { oneLine, refused, accepted, type Result } from "../../policy/problem.ts";
import { lockFolder } from "../../sys/locked-folder.ts";
import { findMappedUser } from "../../sys/user-namespace.ts";

/** Where the folders of root's runs are. */
export const PLACE_OF_ROOT = "/run";
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

/** The socket of the run with this folder. */
export function socketOfRun(folder: string): string {
  return join(folder, SOCKET);
}

/** Leaves in the folder what people know the run by. Throws Node's errors. */
export function labelRun(folder: string, command: readonly string[]): void {
  writeFileSync(join(folder, LABEL), `${process.pid}: ${command.join(" ")}`, { mode: 0o600 });
}

/** The socket of the one run that is under way; otherwise what to do if there is none, or several. */
export function findRunSocket(place: string): Result<string> {
  const folders = (existsSync(place) ? readdirSync(place) : [])
    .filter((name) => FOLDER.test(name))
    .map((name) => join(place, name))
    .filter((path) => existsSync(socketOfRun(path)) && isHeld(path));
  const [folder, ...others] = folders;
  if (folder === undefined) return refused("no run is under way that you may talk to", "--run");
  if (others.length === 0) return accepted(socketOfRun(folder));
  const shown = folders.map((path) => `--socket ${socketOfRun(path)} (process ${readLabel(path)})`);
  return refused(`${folders.length} runs are under way, give one: ${shown.join(", ")}`, "--run");
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
