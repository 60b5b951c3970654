import { expect, test } from "vitest";
import { coveredPlaces } from "../../../../src/cli/run/command/covered-places.ts";
import { parseMountInfo } from "../../../../src/cli/run/command/mount-table.ts";

/**
 * As proc_pid_mountinfo(5) has it: id, parent, device, root, mount point, options, optional fields, -, type,
 * source, options.
 */
const line = (device: string, point: string, type: string, root = "/"): string =>
  `30 1 ${device} ${root} ${point} rw,relatime shared:7 master:1 - ${type} source rw\n`;

const MACHINE =
  line("8:1", "/", "ext4") +
  line("0:20", "/proc", "proc") +
  line("0:21", "/sys", "sysfs") +
  line("0:6", "/dev", "devtmpfs") +
  line("0:23", "/run", "tmpfs") +
  line("8:17", "/run/media/disk", "ext4") +
  line("0:40", "/tmp", "tmpfs");

test.each([
  ["nothing more", "", []],
  [
    "a chroot's own",
    line("0:50", "/srv/c/proc", "proc") + line("0:51", "/srv/c/sys", "sysfs"),
    ["/srv/c/proc", "/srv/c/sys"],
  ],
  [
    "a bind of /dev with what is in it, once",
    line("0:6", "/srv/c/dev", "devtmpfs") + line("0:24", "/srv/c/dev/pts", "devpts"),
    ["/srv/c/dev"],
  ],
  ["a bind of /run", line("0:23", "/srv/c/run", "tmpfs"), ["/srv/c/run"]],
  ["a disk that is mounted below /run as well", line("8:17", "/srv/disk", "ext4"), []],
  [
    "what is mounted twice, once",
    line("0:50", "/srv/proc", "proc") + line("0:51", "/srv/proc", "proc"),
    ["/srv/proc"],
  ],
  ["a name with a blank", line("0:50", String.raw`/srv/my\040proc`, "proc"), ["/srv/my proc"]],
  ["a name that only begins alike", line("0:50", "/processes", "proc"), ["/processes"]],
  ["a bind of / where /run is a file system of its own", line("8:1", "/srv/c", "ext4"), []],
])("of %s", (_what, more, expected) => {
  expect(coveredPlaces(parseMountInfo(MACHINE + more), undefined)).toEqual(expected);
});

const PLAIN = line("8:1", "/", "ext4") + line("0:6", "/dev", "devtmpfs");

test.each([
  ["the whole disk", line("8:1", "/mnt", "ext4"), ["/mnt/run", "/mnt/tmp/runs"]],
  ["a folder above", line("8:1", "/var/tmp", "ext4", "/tmp"), ["/var/tmp/runs"]],
  ["the folder itself", line("8:1", "/srv", "ext4", "/tmp/runs"), ["/srv"]],
  ["a folder in it", line("8:1", "/srv", "ext4", "/run/lock"), ["/srv"]],
  ["another folder", line("8:1", "/srv", "ext4", "/home"), []],
  ["a folder that only begins alike", line("8:1", "/srv", "ext4", "/runs"), []],
  ["another disk", line("8:2", "/srv", "ext4"), []],
  [
    "the whole disk, with another one over its folder",
    line("8:1", "/mnt", "ext4") + line("8:2", "/mnt/tmp", "ext4"),
    ["/mnt/run"],
  ],
])("where /run and the runs' folder are on a disk: %s a second time", (_what, more, expected) => {
  expect(coveredPlaces(parseMountInfo(PLAIN + more), "/tmp/runs")).toEqual([...expected, "/tmp/runs"]);
});

test("a bind of what is mounted below another root is found by what it shows", () => {
  const btrfs = line("0:30", "/", "btrfs", "/@") + line("0:30", "/mnt/pool", "btrfs");
  expect(coveredPlaces(parseMountInfo(btrfs), "/tmp/runs")).toEqual([
    "/mnt/pool/@/run",
    "/mnt/pool/@/dev",
    "/mnt/pool/@/tmp/runs",
    "/tmp/runs",
  ]);
});
