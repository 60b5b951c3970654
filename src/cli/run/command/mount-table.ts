/** The mount table, as proc_pid_mountinfo(5) describes it. */
import { join } from "node:path";

export interface MountPoint {
  readonly id: string;
  /** The id of the mount that it is on. */
  readonly parent: string;
  /** MAJOR:MINOR of the file system. */
  readonly device: string;
  /** What of the file system it shows. */
  readonly root: string;
  readonly point: string;
  readonly options: readonly string[];
  readonly type: string;
  readonly source: string;
}

/** A later one at the same place hides an earlier one. */
export function parseMountInfo(text: string): readonly MountPoint[] {
  return text.split("\n").filter(Boolean).map(parseLine);
}

/** The mount that the path is in; undefined without any. */
export function mountOf(path: string, mounts: readonly MountPoint[]): MountPoint | undefined {
  return mounts.reduce<MountPoint | undefined>((innermost, mount) => {
    if (!isWithin(mount.point, path)) return innermost;
    return innermost === undefined || mount.point.length >= innermost.point.length ? mount : innermost;
  }, undefined);
}

/**
 * Further paths at which the mount table shows what `path` shows, or a part of it: a bind of a folder above,
 * a file system that is mounted twice.
 */
export function otherPathsOf(path: string, mounts: readonly MountPoint[]): readonly string[] {
  const own = mountOf(path, mounts);
  if (own === undefined) return [];
  const shown = below(own.root, own.point, path);
  const paths = mounts
    .filter((mount) => mount !== own && mount.device === own.device)
    .flatMap((mount) => {
      const other = isWithin(mount.root, shown) ? below(mount.point, mount.root, shown) : mount.point;
      // What is mounted over it shows something else there.
      const isSeen = mountOf(other, mounts) === mount;
      return isSeen && (isWithin(mount.root, shown) || isWithin(shown, mount.root)) ? [other] : [];
    });
  return [...new Set(paths)].filter((other) => !isWithin(path, other));
}

/** The place in `to` that `path` is in `from`. */
function below(to: string, from: string, path: string): string {
  const rest = path.slice(from === "/" ? 0 : from.length);
  return rest === "" || rest === "/" ? to : join(to, rest);
}

export function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

function parseLine(line: string): MountPoint {
  const [id = "", parent = "", device = "", root = "", point = "", options = "", ...rest] = line.split(" ");
  const [type = "", source = ""] = rest.slice(rest.indexOf("-") + 1);
  return {
    id,
    parent,
    device,
    root: unescape(root),
    point: unescape(point),
    options: options.split(","),
    type,
    source: unescape(source),
  };
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
