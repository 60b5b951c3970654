/**
 * Places of the machine that the command does not find: it has a /run, /dev and /proc of its own, and where
 * the machine shows these a second time, as a /proc of a chroot, a bind of /run, a disk that is mounted
 * twice, nothing is there.
 */
import { isWithin, type MountPoint, otherPathsOf } from "./mount-table.ts";

/** Kernel interfaces, by type. */
const KERNEL = new Set(
  "proc sysfs devtmpfs devpts cgroup cgroup2 debugfs tracefs securityfs configfs bpf efivarfs pstore binfmt_misc selinuxfs smackfs fusectl".split(
    " ",
  ),
);
const REPLACED = ["/run", "/dev"];
const OWN = [...REPLACED, "/proc", "/sys"];

/** Whether the command has something of its own there. */
export function isOwnPlace(path: string): boolean {
  return OWN.some((place) => isWithin(place, path));
}

/** Whether that has other files, which go with the run. */
export function isReplaced(path: string): boolean {
  return REPLACED.some((place) => isWithin(place, path));
}

/**
 * Paths outside of the command's own places, none below another. `hidden` is a folder that it may not find,
 * besides.
 */
export function coveredPlaces(mounts: readonly MountPoint[], hidden: string | undefined): readonly string[] {
  // What is in memory below /run and /dev is the machine's own, too; a disk that is mounted there is a disk.
  const inMemory = new Set(
    mounts.filter(({ type, point }) => type === "tmpfs" && isOwnPlace(point)).map(({ device }) => device),
  );
  const elsewhere = mounts
    .filter(({ type, device }) => KERNEL.has(type) || inMemory.has(device))
    .map(({ point }) => point);
  const folders = [...REPLACED, ...(hidden === undefined ? [] : [hidden])];
  const twice = folders.flatMap((folder) => otherPathsOf(folder, mounts));
  const all = [...elsewhere, ...twice, ...(hidden === undefined ? [] : [hidden])];
  const points = [...new Set(all)].filter((point) => !isOwnPlace(point));
  return points.filter((point) => !points.some((other) => other !== point && isWithin(other, point)));
}
