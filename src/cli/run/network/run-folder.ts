/** The folder of a run below /run, which its command does not see. A lock on it says that the run lives. */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lockFolder, makeLockedFolder } from "../../../sys/locked-folder.ts";
import { makeFolder } from "../../../sys/make-folder.ts";
import { RUNS_PLACE } from "../../call/running-runs.ts";
import { NetworkSetupError } from "../errors.ts";
import { runOf } from "./signs.ts";

export interface RunFolder extends Disposable {
  readonly path: string;
}

/** Disposing removes it. Throws NetworkSetupError, Node's errors. */
export function makeRunFolder(id: string): RunFolder {
  makeFolder(RUNS_PLACE);
  const path = join(RUNS_PLACE, `egress-run-${id}`);
  const lock = makeLockedFolder(path);
  if (lock === undefined) throw new NetworkSetupError(`another process has taken ${path}`);
  return {
    path,
    [Symbol.dispose]() {
      rmSync(path, { recursive: true, force: true });
      lock[Symbol.dispose]();
    },
  };
}

/** Removes those of runs that are over; gives back their paths. Throws Node's errors. */
export function sweepRunFolders(): readonly string[] {
  const paths = readdirSync(RUNS_PLACE)
    .filter((name) => name.startsWith("egress-run-") && runOf(name) !== undefined)
    .map((name) => join(RUNS_PLACE, name));
  return paths.filter((path) => {
    using lock = lockFolder(path);
    if (lock === undefined) return false;
    rmSync(path, { recursive: true, force: true });
    return true;
  });
}
