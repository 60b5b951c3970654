import { expect, test } from "vitest";
import { parseMountInfo } from "../../../../src/cli/run/command/mount-table.ts";
import { optionsAt } from "../../../../src/cli/run/command/read-only.ts";

const line = (point: string, options: string): string =>
  `30 1 8:1 / ${point} ${options} shared:7 - ext4 source rw\n`;
const MOUNTS =
  line("/", "rw,relatime") + line("/home", "rw,nosuid,nodev,noatime") + line("/homes", "rw,noexec");

test.each([
  ["/srv/egress.yaml", ["relatime"]],
  ["/home/me/egress.yaml", ["nosuid", "nodev", "noatime"]],
  ["/homes/egress.yaml", ["noexec"]],
])("%s keeps what its own mount forbids", (path, options) => {
  expect(optionsAt(path, parseMountInfo(MOUNTS))).toEqual(options);
});

test("of two mounts at one place the later one counts", () => {
  expect(optionsAt("/home/x", parseMountInfo(MOUNTS + line("/home", "rw,noexec")))).toEqual(["noexec"]);
});
