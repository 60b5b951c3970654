/**
 * Further places at which the machine shows what the command gets of its own or only to read: a /proc or /dev
 * of a chroot, a bind of /run. From the mount table, as proc_pid_mountinfo(5) describes it.
 */

/** Kernel interfaces, by type. */
const KERNEL = new Set(
  "proc sysfs devtmpfs devpts cgroup cgroup2 debugfs tracefs securityfs configfs bpf efivarfs pstore binfmt_misc selinuxfs smackfs fusectl".split(
    " ",
  ),
);
const OWN = ["/proc", "/sys", "/dev", "/run"];

interface Mount {
  /** MAJOR:MINOR of the file system. */
  readonly device: string;
  readonly point: string;
  readonly type: string;
}

/** Mount points, none below another. */
export function mountedElsewhere(mountInfo: string): readonly string[] {
  const mounts = mountInfo.split("\n").filter(Boolean).map(parseLine);
  // What is in memory below /run and /dev is the machine's own, too; a disk that is mounted there is a disk.
  const inMemory = new Set(
    mounts.filter((mount) => mount.type === "tmpfs" && isOwn(mount)).map(({ device }) => device),
  );
  const points = mounts
    .filter((mount) => !isOwn(mount) && (KERNEL.has(mount.type) || inMemory.has(mount.device)))
    .map(({ point }) => point);
  const outermost = points.filter(
    (point) => !points.some((other) => other !== point && isWithin(other, point)),
  );
  return [...new Set(outermost)];
}

function isOwn({ point }: Mount): boolean {
  return OWN.some((place) => isWithin(place, point));
}

function isWithin(folder: string, path: string): boolean {
  return path === folder || path.startsWith(folder === "/" ? "/" : `${folder}/`);
}

function parseLine(line: string): Mount {
  const [, , device = "", , point = "", ...rest] = line.split(" ");
  const type = rest[rest.indexOf("-") + 1] ?? "";
  return { device, point: unescape(point), type };
}

function unescape(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_all, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
