/**
 * Whether a mount table has what was asked for. mount(8) is not always util-linux's, and what it was told is
 * not what it has done: busybox's passes over lines, and over options.
 */
import { isWithin, type MountPoint } from "./mount-table.ts";

/** What has to be seen at a path. */
export interface WantedMount {
  readonly target: string;
  /** Of a file system of its own; undefined if it is a part of another one. */
  readonly own?: { readonly type: string; readonly source: string } | undefined;
  /** A path of the file system that it is a part of; undefined if that is of no account. */
  readonly within?: string | undefined;
  /** Of `ro`, `nosuid`, `nodev` and `noexec`. */
  readonly options: readonly string[];
}

/** The options by which a mount holds anything. */
const HOLDING: ReadonlySet<string> = new Set(["ro", "nosuid", "nodev", "noexec"]);

/** Of a list of options as mount(8) takes it. */
export function holdingOptions(options: string): readonly string[] {
  return options.split(",").filter((option) => HOLDING.has(option));
}

/** What is missing, a line for each, for people. */
export function findLacking(
  wanted: readonly WantedMount[],
  mounts: readonly MountPoint[],
): readonly string[] {
  return wanted.flatMap(({ target, own, within, options }) => {
    const seen = mountSeenAt(target, mounts);
    if (seen?.point !== target) return [`nothing is mounted at ${target}`];
    if (own !== undefined && (seen.type !== own.type || seen.source !== own.source))
      return [`${target} is not a ${own.type} of its own`];
    if (within !== undefined && mountSeenAt(within, mounts)?.device !== seen.device)
      return [`${target} is not ${within}`];
    const missing = options.filter((option) => !seen.options.includes(option));
    return missing.length === 0 ? [] : [`${target} is not ${missing.join(", ")}`];
  });
}

/** The mount in which the walk from the root to the path ends; undefined of an empty table. */
export function mountSeenAt(path: string, mounts: readonly MountPoint[]): MountPoint | undefined {
  const ids = new Set(mounts.map(({ id }) => id));
  let at = mounts.find(({ point, parent }) => point === "/" && !ids.has(parent));
  for (;;) {
    const next = nextOnTheWay(at, path, mounts);
    if (next === undefined) return at;
    at = next;
  }
}

/**
 * Of what is mounted on one mount, the outermost hides the rest. What lies over the root is no step of it.
 */
function nextOnTheWay(
  at: MountPoint | undefined,
  path: string,
  mounts: readonly MountPoint[],
): MountPoint | undefined {
  const [outermost] = mounts
    .filter((mount) => mount.parent === at?.id && mount.point !== "/" && isWithin(mount.point, path))
    .toSorted((one, other) => one.point.length - other.point.length);
  return outermost;
}
