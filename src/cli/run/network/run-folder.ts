/**
 * The folder of a run: below /run, or in the user's own place if it runs without root. A lock on it says that
 * the run lives.
 *
 * Its files are what the command must not reach: the sidecar's socket, the rules, the roots, the mounts.
 * Root's lie in the folder itself, which no path of the command leads to (`command/covered-places.ts`). A
 * user's own folders are open to every program of that user, such as another run's command, by paths that
 * this run does not know. A folder that has a mount can even be removed, and the mount goes in all
 * namespaces. So a user's files are in memory, mounted in the run's own mount namespace alone, at a place of
 * root's.
 */
import { accessSync, constants, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { SystemCallError } from "../../../sys/errors.ts";
import { lockFolder, type LockedFolder, makeLockedFolder } from "../../../sys/locked-folder.ts";
import { makeFolder } from "../../../sys/make-folder.ts";
import { filesOfUsersRun, isOwn, PLACE_OF_ROOT } from "../../call/running-runs.ts";
import { NetworkSetupError } from "../errors.ts";
import { runOf } from "./signs.ts";

export interface RunFolder extends Disposable {
  readonly id: string;
  readonly path: string;
  /** Where the run's files are. */
  readonly files: string;
}

export interface RunFolderParts {
  /** A new id at each call. */
  readonly drawId: () => string;
  /** Mounts a file system in memory, in a mount namespace of this run's alone; undefined in root's run. */
  readonly mount: ((path: string) => Disposable) | undefined;
}

/** Disposing removes it. Throws NetworkSetupError, Node's errors. */
export function makeRunFolder(place: string, { drawId, mount }: RunFolderParts): RunFolder {
  makePlace(place);
  const { id, lock } = claimFolder(place, drawId);
  const { path } = lock;
  using undo = new DisposableStack();
  undo.use(lock);
  undo.defer(() => rmSync(path, { recursive: true, force: true }));
  const files = mount === undefined ? path : filesOfUsersRun(path);
  if (mount !== undefined) {
    undo.use(mountAt(dirname(files), mount));
    mkdirSync(files, { mode: 0o700 });
  }
  const made = undo.move();
  return { id, path, files, [Symbol.dispose]: () => made.dispose() };
}

const TRIES = 20;

/** A sweep of another run may take a folder in the moment before it is locked. */
function claimFolder(
  place: string,
  drawId: () => string,
): { readonly id: string; readonly lock: LockedFolder } {
  for (let tries = 0; tries < TRIES; tries++) {
    const id = drawId();
    const lock = makeLockedFolder(join(place, `egress-run-${id}`));
    if (lock !== undefined) return { id, lock };
  }
  throw new NetworkSetupError(`other processes take each folder that is made in ${place}`);
}

function mountAt(path: string, mount: (path: string) => Disposable): Disposable {
  if (!existsSync(path) || isWritable(dirname(path)))
    throw new NetworkSetupError(
      `without root, a run keeps its files at ${path}, which has to be there, in a folder of root's alone`,
    );
  try {
    return mount(path);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
    throw new NetworkSetupError(`a run without root keeps its files at ${path}: ${error.message}`, {
      cause: error,
    });
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK);
    return true;
  } catch {
    return false;
  }
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
