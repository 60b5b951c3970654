/** Mounts that let the command read a file and not write it. */
import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { isOwnPlace } from "./covered-places.ts";
import { isWithin, type MountPoint, mountOf, otherPathsOf } from "./mount-table.ts";

/** Options of the mount below: in a user namespace none of them can be taken off. */
const KEPT = new Set(["nosuid", "nodev", "noexec", "noatime", "nodiratime", "relatime"]);

export interface ReadOnlyFile {
  readonly path: string;
  /** As mount(8) takes them. */
  readonly options: string;
  /** It is a mount by itself, as a file that was given to a container: mount(8) makes no second one there. */
  readonly isMounted: boolean;
}

/**
 * Each of the files that is there, by every path that leads to it, but for those that the command does not
 * find: its own places, and `covered`.
 */
export function readOnlyFiles(
  paths: readonly string[],
  mounts: readonly MountPoint[],
  covered: readonly string[],
): readonly ReadOnlyFile[] {
  const files = new Set(paths.flatMap((path) => realPathOf(resolve(path)) ?? []));
  const all = new Set([...files].flatMap((path) => [path, ...sameElsewhere(path, mounts)]));
  return [...all]
    .filter((path) => !isOwnPlace(path) && !covered.some((folder) => isWithin(folder, path)))
    .map((path) => ({
      path,
      options: ["bind", "ro", ...optionsAt(path, mounts)].join(","),
      isMounted: mounts.some(({ point }) => point === path),
    }));
}

/** Of the innermost mount around the path; the last of two at one place is the one that is seen. */
export function optionsAt(path: string, mounts: readonly MountPoint[]): readonly string[] {
  return mountOf(path, mounts)?.options.filter((option) => KEPT.has(option)) ?? [];
}

function sameElsewhere(path: string, mounts: readonly MountPoint[]): readonly string[] {
  const own = inodeOf(path);
  return otherPathsOf(path, mounts).filter((other) => own !== undefined && inodeOf(other) === own);
}

function inodeOf(path: string): string | undefined {
  try {
    const { dev, ino } = statSync(path, { bigint: true });
    return `${dev} ${ino}`;
  } catch {
    return undefined; // it is gone, or where we cannot look
  }
}

function realPathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // it is gone, or was a pipe of the shell's
  }
}
