import { expect, test } from "vitest";
import { findLacking, mountSeenAt } from "../../../../src/cli/run/command/held-mounts.ts";
import { parseMountInfo } from "../../../../src/cli/run/command/mount-table.ts";

/** Of proc_pid_mountinfo(5): each is mounted on the one with the number `parent`. */
const line = (id: number, parent: number, point: string, what: string, options = "rw"): string =>
  `${id} ${parent} 0:${id} / ${point} ${options},relatime shared:7 - ${what} rw\n`;

const MACHINE =
  line(20, 1, "/", "ext4 /dev/sda1") +
  line(21, 20, "/proc", "proc proc") +
  line(22, 20, "/sys", "sysfs sysfs") +
  line(23, 22, "/sys/fs/cgroup", "cgroup2 cgroup2") +
  line(24, 20, "/dev", "devtmpfs udev");

const seen = (text: string, path: string): string | undefined => mountSeenAt(path, parseMountInfo(text))?.id;

test.each([
  ["/sys/fs/cgroup/a", "", "23"],
  ["/etc/passwd", "", "20"],
  ["/processes", "", "20"],
  ["/sys/fs/cgroup", line(30, 22, "/sys", "sysfs egress-sys"), "30"],
  ["/sys", line(30, 22, "/sys", "sysfs egress-sys") + line(31, 30, "/sys", "tmpfs x"), "31"],
  ["/sys", line(30, 20, "/", "tmpfs over-the-root"), "22"],
  ["/srv/a/b", line(30, 20, "/srv/a/b", "tmpfs x") + line(31, 20, "/srv/a", "tmpfs y"), "31"],
])("what is seen at %s", (path, more, id) => {
  expect(seen(MACHINE + more, path)).toBe(id);
});

test("of an empty table nothing is seen", () => {
  expect(seen("", "/")).toBeUndefined();
});

const own = { type: "sysfs", source: "egress-sys" };

test.each([
  [
    "its own, with more options than were asked for",
    line(30, 22, "/sys", "sysfs egress-sys", "ro,nosuid"),
    [],
  ],
  ["the machine's", "", ["/sys is not a sysfs of its own"]],
  ["another type", line(30, 22, "/sys", "tmpfs egress-sys", "ro"), ["/sys is not a sysfs of its own"]],
  ["its own, and writable", line(30, 22, "/sys", "sysfs egress-sys"), ["/sys is not ro"]],
  [
    "its own, hidden by another",
    line(30, 22, "/sys", "sysfs egress-sys", "ro") + line(31, 30, "/sys", "sysfs sysfs", "ro"),
    ["/sys is not a sysfs of its own"],
  ],
])("/sys is %s", (_what, more, lacks) => {
  const wanted = [{ target: "/sys", own, options: ["ro"] }];
  expect(findLacking(wanted, parseMountInfo(MACHINE + more))).toEqual(lacks);
});

test("a place that was only asked to be a part of another is that", () => {
  const wanted = [{ target: "/etc/resolv.conf", within: "/dev", options: [] }];
  const at = (text: string): readonly string[] => findLacking(wanted, parseMountInfo(MACHINE + text));
  expect(at("")).toEqual(["nothing is mounted at /etc/resolv.conf"]);
  expect(at(line(30, 20, "/etc/resolv.conf", "tmpfs x"))).toEqual(["/etc/resolv.conf is not /dev"]);
  expect(at("30 20 0:24 /resolv.conf /etc/resolv.conf rw - devtmpfs udev rw\n")).toEqual([]);
});
