import { expect, test } from "vitest";
import { mountedElsewhere } from "../../../../src/cli/run/command/mounted-elsewhere.ts";

/**
 * As proc_pid_mountinfo(5) has it: id, parent, device, root, mount point, options, optional fields, -, type,
 * source, options.
 */
const line = (device: string, point: string, type: string): string =>
  `30 1 ${device} / ${point} rw,relatime shared:7 master:1 - ${type} source rw\n`;

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
])("of %s", (_what, more, expected) => {
  expect(mountedElsewhere(MACHINE + more)).toEqual(expected);
});
