/**
 * The place of a run's command is looked at before the command begins: what was told to make it may not have.
 */
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findTool } from "../../src/netns/find-tool.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab({ ipv6: false });
const machine = useMachine(lab);

/** First in PATH. */
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "egress-run-tools-"));
});
afterEach(() => rm(folder, { recursive: true }));

const run = (...args: readonly string[]) =>
  machine.run(["--quiet", ...args, "--", "echo", "ran"], {
    env: { PATH: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });

const REMEDY = "mount and unshare of util-linux first in PATH";

test.for(["mount", "unshare"])("busybox's %s runs nothing, and the remedy is told", async (tool, context) => {
  const busybox = findTool("busybox", "/usr/bin:/bin");
  if (busybox === undefined) skipBecause(context, "busybox is not on this machine");
  await symlink(busybox, join(folder, tool));
  const { exitCode, stdout, stderr } = await run();
  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: "" });
  expect(stderr).toContain("egress run: the command would not be confined: ");
  expect(stderr).toContain(REMEDY);
});

/** A mount(8) that passes over the target `left` of each table, and over the option `without`. */
async function writeMount(left: string, without = "no-such-option"): Promise<void> {
  const script = `#!/bin/sh
if [ "$2" = -T ]; then
  sed -i -e '\\|^[^ ]* ${left} |d' -e 's/,${without}//; s/${without},//' "$3"
fi
exec /usr/bin/mount "$@"
`;
  await writeFile(join(folder, "mount"), script, { mode: 0o755 });
}

test.each([
  ["/proc/sys", "nothing is mounted at /proc/sys"],
  ["/sys", "/sys is not a sysfs of its own"],
  ["[^ ]*/dev/null", "nothing is mounted at /dev/null"],
  ["[^ ]*/dev/pts", "nothing is mounted at /dev/pts"],
])("a mount(8) that passes over %s runs nothing", async (place, said) => {
  await writeMount(place);
  const { exitCode, stdout, stderr } = await run();
  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: "" });
  expect(stderr).toContain(`egress run: the command would not be confined: ${said}`);
});

test.each([
  ["ro", "/proc/sys is not ro"],
  ["nosuid", "/sys is not nosuid"],
])("a mount(8) that passes over %s runs nothing", async (option, said) => {
  await writeMount("/no/such/place", option);
  const { exitCode, stdout, stderr } = await run();
  expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: "" });
  expect(stderr).toContain(said);
});

test("at a terminal it runs nothing either", async () => {
  await writeMount("/sys");
  const under = "/usr/bin/script --quiet --return --command";
  const { exitCode, stdout } = await machine.run([], {
    under: ["/bin/sh", "-c", `exec ${under} "$(printf "'%s' " "$@") -- echo ran" /dev/null`, "sh"],
    env: { PATH: `${folder}:/usr/sbin:/usr/bin:/sbin:/bin` },
  });
  expect(exitCode).toBe(125);
  expect(stdout).toContain("/sys is not a sysfs of its own");
  expect(stdout).not.toMatch(/^ran/m);
});

test("a policy file that is not read-only runs nothing", async () => {
  await writeMount("[^ ]*/egress.yaml");
  await mkdir(join(folder, "repo"));
  const file = join(folder, "repo", "egress.yaml");
  await writeFile(file, "allow: [one.example.org]\n");
  const { exitCode, stderr } = await run("--config", file);
  expect(exitCode).toBe(125);
  expect(stderr).toContain(`nothing is mounted at ${file}`);
});

/** A machine with this in its /run. */
const withRun = (script: string): readonly string[] => [
  "/usr/bin/unshare",
  "--mount",
  "/bin/sh",
  "-c",
  `mount -t tmpfs tmpfs /run && ${script} && exec "$@"`,
  "sh",
];
const PROGRAM = `printf '#!/bin/sh\\necho hi\\n' >$folder/hello && chmod 755 $folder/hello`;

test("programs of a system that /run only links to, as on NixOS, are found", async () => {
  const under = withRun(`ln -s ${folder} /run/current-system && folder=${folder} && ${PROGRAM}`);
  const env = { PATH: "/run/current-system:/usr/sbin:/usr/bin:/sbin:/bin" };
  const result = await machine.run(["--quiet", "--", "sh", "-c", "hello; ls /run"], { under, env });
  expect(result).toMatchObject({
    exitCode: 0,
    stdout: "hi\ncurrent-system\nlock\nresolv.conf\n",
    stderr: "",
  });
});

test("a program in /run itself is not, and that is told", async () => {
  const under = withRun(`mkdir /run/programs && folder=/run/programs && ${PROGRAM}`);
  const env = { PATH: "/run/programs:/usr/sbin:/usr/bin:/sbin:/bin" };
  const { exitCode, stderr } = await machine.run(["--quiet", "--", "hello"], { under, env });
  expect(exitCode).toBe(127);
  expect(stderr).toContain("egress run: /run/programs/hello is not there for the command");
});
