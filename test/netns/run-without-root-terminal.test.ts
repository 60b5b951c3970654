/** `egress run` of a user who is not root, at a terminal, started from a shell with job control. */
import { rm } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createMachine, type Machine, UNTOUCHED } from "../support/machine.ts";
import { openShellTerminal, PROMPT, type ShellTerminal } from "../support/shell-terminal.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";

const UID = 48_213;
const GID = 48_214;

const lab = useLab({ ipv6: false });
let machine: Machine;
let place: string;
let shell: ShellTerminal;
beforeAll(async () => {
  machine = createMachine(lab);
  place = await makePlaceOf(UID, GID);
});
afterAll(() => rm(place, { recursive: true, force: true }));
beforeEach(async () => {
  const env = ["/usr/bin/env", "-u", "XDG_RUNTIME_DIR", "-C", place, `HOME=${place}`, `TMPDIR=${place}`];
  shell = await openShellTerminal((argv) => machine.spawn([...asUser(UID, GID), ...env, ...argv]));
});
afterEach(async () => {
  await shell[Symbol.asyncDispose]();
  await until("all is undone", async () => isDeepStrictEqual(await machine.state(), UNTOUCHED));
});

test("the command has a terminal of its own, and controls it", async () => {
  const said = await shell.run(
    "egress run --quiet -- sh -c 'id -u; tty; echo via /dev/tty >/dev/tty; stty size'",
  );
  expect(said).toContain(`${UID}\r\n/dev/pts/0\r\nvia /dev/tty\r\n24 80\r\n`);
});

test("Ctrl-Z stops the whole tree, what is typed then is the shell's alone, fg goes on, and the modes are as before", async () => {
  const modes = await shell.modes();
  const script =
    "sleep 1002 & setsid sleep 1003 & echo ready; while read line; do echo got $line; done; echo over";
  shell.type(`egress run --quiet -- sh -c '${script}'\r`);
  await shell.shows("\nready");
  shell.type("one\r");
  await shell.shows("got one");
  await until(
    "both sleep",
    async () => (await execIn(lab.sandbox, ["pgrep", "-fc", "^sleep.100[23]$"])).stdout === "2\n",
  );
  shell.type("\x1a");
  expect(await shell.shows(PROMPT)).toContain("Stopped");
  const states = "for n in 1002 1003; do ps -o stat= -p $(pgrep -f ^sleep.$n$); done";
  expect(await shell.run(states)).toMatch(/^T\S*\r\nT\S*\r\n$/);
  expect(await shell.run("echo a-secret")).toBe("a-secret\r\n");
  shell.type("fg\r");
  await shell.shows("\n");
  shell.type("two\r");
  expect(await shell.shows("got two")).not.toContain("secret");
  shell.type("\x04");
  await shell.shows("over");
  await shell.shows(PROMPT);
  expect(await shell.run("echo $?")).toBe("0\r\n");
  expect(await shell.modes()).toEqual(modes);
});

test("Ctrl-C reaches what the command runs, and the shell goes on", async () => {
  shell.type(
    "egress run --quiet -- sh -c 'trap \"echo caught; exit 4\" INT; echo ready; while :; do sleep 0.1; done'\r",
  );
  await shell.shows("\nready");
  shell.type("\x03");
  await shell.shows("caught");
  await shell.shows(PROMPT);
  expect(await shell.run("echo $?")).toBe("4\r\n");
});
