/**
 * The folder of a run, which its command does not see: below /run, or the user's own place if it runs without
 * root. A lock on it says that the run lives.
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lockFolder, makeLockedFolder } from "../../../sys/locked-folder.ts";
import { makeFolder } from "../../../sys/make-folder.ts";
import { isOwn, PLACE_OF_ROOT } from "../../call/running-runs.ts";
import { NetworkSetupError } from "../errors.ts";
import { runOf } from "./signs.ts";

export interface RunFolder extends Disposable {
  readonly path: string;
}

/** Disposing removes it. Throws NetworkSetupError, Node's errors. */
export function makeRunFolder(id: string, place: string): RunFolder {
  makePlace(place);
  const path = join(place, `egress-run-${id}`);
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

function makePlace(place: string): void {
  if (place === PLACE_OF_ROOT) return makeFolder(place);
  if (!existsSync(place)) mkdirSync(place, { mode: 0o700 });
  if (!isOwn(place)) throw new NetworkSetupError(`${place} is no folder of yours alone: remove it`);
}

/** Removes those of runs that are over; gives back their paths. Throws Node's errors. */
export function sweepRunFolders(place: string): readonly string[] {
  const paths = (existsSync(place) ? readdirSync(place) : [])
    .filter((name) => name.startsWith("egress-run-") && runOf(name) !== undefined)
    .map((name) => join(place, name));
  return paths.filter((path) => {
    using lock = lockFolder(path);
    if (lock === undefined) return false;
    rmSync(path, { recursive: true, force: true });
    return true;
  });
}
