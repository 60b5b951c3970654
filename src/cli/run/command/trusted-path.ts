/**
 * Where a run looks for the programs that it starts itself, outside of the confinement and with more rights
 * than the command's: in folders of PATH that nobody but root can write to. What a command puts into `~/bin`
 * is then no program of the sidecar's, nor of the next run's.
 */
import { realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { withSystemFolders } from "../../../config/program-path.ts";
import { findMappedUser } from "../../../sys/user-namespace.ts";

/** Group and others may write. */
const WRITABLE = 0o022;
/** Others may write, and take away only what is theirs. */
const STICKY = 0o1000;

/** Those of the path, and the system's, that can be trusted. */
export function trustedPath(path: string | undefined): string {
  // A run without root is root of a user namespace, to which root's files are nobody's; its own are the
  // caller's.
  const isRoots = findMappedUser() === undefined ? (uid: number) => uid === 0 : (uid: number) => uid !== 0;
  return withSystemFolders(path)
    .split(":")
    .filter((folder) => folder.startsWith("/") && isRootsAlone(folder, isRoots))
    .join(":");
}

/** Nor can it be replaced: a folder above it may be sticky, as /tmp is. */
function isRootsAlone(folder: string, isRoots: (uid: number) => boolean): boolean {
  try {
    const place = realpathSync(folder);
    return isLocked(place, isRoots) && (statSync(place).mode & WRITABLE) === 0;
  } catch {
    return false; // it is not there
  }
}

function isLocked(place: string, isRoots: (uid: number) => boolean): boolean {
  const { uid, mode } = statSync(place);
  if (!isRoots(uid) || ((mode & WRITABLE) !== 0 && (mode & STICKY) === 0)) return false;
  return place === "/" || isLocked(dirname(place), isRoots);
}
