/**
 * The operator's rule files as a run begins: its sidecar watches a copy, in a folder that the command does
 * not see. A command that is root could write into the operator's own folder, and one that may write to this
 * program's, into what is shipped with it.
 */
import { copyFileSync, mkdirSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";

const NAMES = ["deny.always", "allow.always", "log_skip.always"];

/** Copies each file from the first of the folders that has it. Throws Node's errors. */
export function copyRuleFiles(folders: readonly string[], to: string): void {
  mkdirSync(to);
  for (const name of NAMES) {
    const found = folders.map((folder) => join(folder, name)).find((path) => statOf(path) !== undefined);
    if (found === undefined) continue;
    // What is no plain file is the sidecar's to refuse.
    if (statOf(found)?.isFile() === true) copyFileSync(found, join(to, name));
    else symlinkSync(found, join(to, name));
  }
}

function statOf(path: string): ReturnType<typeof statSync> {
  return statSync(path, { throwIfNoEntry: false });
}
