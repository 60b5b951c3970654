/** How a run of `egress run` can end other than by its command's end, and several runs beside each other. */
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { UNTOUCHED } from "../support/machine.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab();
const machine = useMachine(lab);

const WAIT = ["sh", "-c", "echo ready; exec sleep 60"];

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
  ["SIGUSR1", 138],
] as const)("%s is handed to the command, and all is undone", async (signal, exitCode) => {
  const run = await machine.startReady(["--", ...WAIT]);
  run.process.kill(signal);
  expect(await run.end).toMatchObject({ exitCode });
});

test("a command that handles the signal ends as it likes", async () => {
  const script = "trap 'echo caught; exit 5' TERM; echo ready; while :; do sleep 0.05; done";
  const run = await machine.startReady(["--", "sh", "-c", script]);
  run.process.kill("SIGTERM");
  expect(await run.end).toMatchObject({ exitCode: 5 });
  expect(run.stdout()).toContain("caught\n");
});

test("SIGINT reaches what the command itself runs, as Ctrl-C does", async () => {
  const run = await machine.startReady([
    "--",
    "sh",
    "-c",
    "trap : INT; sh -c 'echo ready; exec sleep 60'; echo child: $?",
  ]);
  run.process.kill("SIGINT");
  expect(await run.end).toMatchObject({ exitCode: 0, stdout: "ready\nchild: 130\n" });
});

test("SIGINT reaches what another thread of the command has started", async () => {
  const program = `import subprocess, sys, threading
def start():
    child = subprocess.Popen(["sh", "-c", "trap 'echo interrupted; exit 9' INT; echo ready; while :; do sleep 0.05; done"])
    print("child", child.wait(), flush=True)
import signal
signal.signal(signal.SIGINT, lambda *_: None)
thread = threading.Thread(target=start)
thread.start()
thread.join()`;
  const run = await machine.startReady(["--", "python3", "-c", program]);
  run.process.kill("SIGINT");
  expect(await run.end).toMatchObject({ exitCode: 0, stdout: "ready\ninterrupted\nchild 9\n" });
});

test("an interrupt at any moment of the start undoes what was made so far", async () => {
  for (let afterMs = 100; afterMs <= 1_300; afterMs += 100) {
    const run = machine.start(["--", "sleep", "60"]);
    await sleep(afterMs);
    run.process.kill("SIGINT");
    const { exitCode, signal } = await run.end;
    // Before the program listens for signals, the signal ends it as any other.
    expect(exitCode ?? signal).toBeOneOf([130, "SIGINT"]);
    expect(await machine.state()).toEqual(UNTOUCHED);
  }
});

test("processes that the command leaves behind end with it", async () => {
  const run = await machine.startReady(["--", "sh", "-c", "sleep 61 & echo ready; read line"]);
  run.process.stdin.end();
  await run.end;
  expect((await execIn(lab.sandbox, ["pgrep", "-f", "^sleep 61$"])).stdout).toBe("");
});

test("a command whose sidecar dies is ended", async () => {
  const run = await machine.startReady(["--", ...WAIT]);
  process.kill(findSidecar(machine.insiders(run)), "SIGKILL");
  expect(await run.end).toMatchObject({ exitCode: 125 });
  expect(run.stderr()).toContain("the sidecar ended (SIGKILL), so the command is ended too");
});

test("two runs stand beside each other; forwarding goes with the last", async () => {
  const first = await machine.startReady(["--", ...WAIT]);
  const second = await machine.startReady([
    "--allow",
    "one.example.org",
    "--",
    "sh",
    "-c",
    "echo ready; read go; curl -sS http://one.example.org/",
  ]);
  first.process.kill("SIGTERM");
  await first.end;
  expect(await machine.state()).toMatchObject({
    settings: ["net/ipv4/conf/eth0/forwarding=1"],
    links: [expect.stringMatching(/^egr/)],
  });
  second.process.stdin.end("go\n");
  expect(await second.end).toMatchObject({ exitCode: 0 });
  expect(second.stdout()).toContain("hello from 198.51.100.1\n");
});

/** Of the processes in the namespace, the one whose command is `serve`. */
function findSidecar(pids: readonly number[]): number {
  const found = pids.find((pid) =>
    readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").includes("serve"),
  );
  if (found === undefined) throw new Error("no process of the namespace is a sidecar");
  return found;
}
