/** The runs of `egress run` that are under way on this machine: each has a folder, locked as long as it lives, with its sidecar's socket. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { oneLine, refused, accepted, type Result } from "../../policy/problem.ts";
import { lockFolder } from "../../sys/locked-folder.ts";

/** Where the folders of runs are. */
export const RUNS_PLACE = "/run";
const FOLDER = /^egress-run-/;
const SOCKET = "egress.sock";
const LABEL = "command";
const LABEL_LENGTH = 80;

/** The socket of the run with this folder. */
export function socketOfRun(folder: string): string {
  return join(folder, SOCKET);
}

/** Leaves in the folder what people know the run by. Throws Node's errors. */
export function labelRun(folder: string, command: readonly string[]): void {
  writeFileSync(join(folder, LABEL), `${process.pid}: ${command.join(" ")}`, { mode: 0o600 });
}

/** The socket of the one run that is under way; else what to do about there being none, or several. */
export function findRunSocket(place = RUNS_PLACE): Result<string> {
  const folders = readdirSync(place)
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
