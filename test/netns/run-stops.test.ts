/** `egress run` as a job of a shell, with a terminal for the shell and none among the run's streams. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createMachine, UNTOUCHED } from "../support/machine.ts";
import { openShellTerminal, PROMPT } from "../support/shell-terminal.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });

/** The first letters of ps(1) for each of the command's two processes. */
async function states(): Promise<string> {
  const { stdout } = await execIn(lab.sandbox, ["ps", "-eo", "stat=,args="]);
  return stdout
    .split("\n")
    .filter((line) => /^\S+ +sleep 47(?:11|12)$/.test(line))
    .map((line) => line.charAt(0))
    .join("");
}

test("Ctrl-Z stops the command with the run, and fg has both go on", async () => {
  const machine = createMachine(lab);
  const folder = await mkdtemp(join(tmpdir(), "egress-run-stops-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  await using shell = await openShellTerminal(machine.spawn);
  const command = "sh -c 'sleep 4711 & exec sleep 4712'";
  shell.type(`egress run -- ${command} </dev/null >${folder}/out 2>${folder}/err\r`);
  await until("the command runs", async () => (await states()) === "SS");
  for (let round = 0; round < 2; round += 1) {
    shell.type("\x1a");
    await shell.shows("Stopped");
    expect(await states()).toBe("TT");
    await shell.shows(PROMPT);
    shell.type("fg\r");
    await until("the command goes on", async () => (await states()) === "SS");
  }
  shell.type("\x03");
  await shell.shows(PROMPT);
  expect(await shell.run("echo code $?")).toContain("code 130");
  await until("all is undone", async () => isDeepStrictEqual(await machine.state(), UNTOUCHED));
});

test("where no shell could continue it, the command does not stop", async () => {
  const machine = createMachine(lab);
  const run = await machine.startReady(["--", "sh", "-c", "sleep 4711 & echo ready; read go; echo went"], {
    under: ["/usr/bin/setsid", "--wait"],
  });
  process.kill(-run.process.pid, "SIGTSTP");
  run.process.stdin.end("go\n");
  expect(await run.end).toMatchObject({ exitCode: 0, stdout: "ready\nwent\n" });
});
