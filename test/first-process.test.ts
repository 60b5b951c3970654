/**
 * `image/first-process.sh`, with commands in the sidecar's place; as process 1, with the sidecar:
 * `test/escape/row-21-first-process.test.ts`.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { until } from "./support/until.ts";

const SCRIPT = fileURLToPath(new URL("../image/first-process.sh", import.meta.url));

interface FirstProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Exit code, or signal. */
  readonly end: Promise<unknown>;
}

/** With `sh -c command` as the sidecar. */
function start(command: string): FirstProcess {
  const child = spawn(SCRIPT, ["sh", "-c", command], { stdio: ["ignore", "pipe", "pipe"] });
  const written = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (written.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (written.stderr += chunk.toString()));
  onTestFinished(() => void child.kill("SIGKILL"));
  const end = once(child, "close").then(([code, signal]: unknown[]) => code ?? signal);
  return { child, stdout: () => written.stdout, stderr: () => written.stderr, end };
}

const countOf = (text: string, part: string): number => text.split(part).length - 1;

test.each([0, 64, 78, 126, 127])("a sidecar that ends with %i is not started again", async (code) => {
  const first = start(`echo started; exit ${code}`);
  expect(await first.end).toBe(code);
  expect(first.stdout()).toBe("started\n");
  expect(first.stderr()).toBe("");
});

test("a program that is not there is not tried again", async () => {
  const child = spawn(SCRIPT, ["/nowhere/egress", "serve"], { stdio: "ignore" });
  expect(await once(child, "close")).toEqual([127, null]);
});

test.each([
  ["exit 1", "ended with code 1;"],
  ["exit 70", "ended with code 70;"],
  ["kill -9 $$", "was ended by signal 9, as by the out-of-memory killer;"],
  ["kill -ABRT $$", "was ended by signal 6;"],
])("a sidecar that ends by `%s` is started again, each time after a longer pause", async (end, told) => {
  const first = start(`echo started; ${end}`);
  await until("it is started three times", () => countOf(first.stdout(), "started") === 3);
  await until("all three are told", () => countOf(first.stderr(), told) === 3);
  const pauses = Array.from(first.stderr().matchAll(/started again in (\d+) s/g), ([, pause]) => pause);
  expect(pauses).toEqual(["0", "1", "2"]);
});

test.each(["SIGTERM", "SIGINT"] as const)("%s ends the sidecar, whose code is given", async (signal) => {
  const first = start(`trap 'echo asked; exit 5' TERM; echo ready; while :; do sleep 0.05; done`);
  await until("it runs", () => first.stdout().includes("ready"));
  first.child.kill(signal);
  expect(await first.end).toBe(5);
  expect(first.stdout()).toBe("ready\nasked\n");
});

test("a sidecar that takes its time to end is waited for, also when it is asked again", async () => {
  const first = start(
    `trap 'echo asked' TERM; trap 'echo done; exit 0' USR1; echo $$; while :; do sleep 0.05; done`,
  );
  const pid = Number(await until("it runs", () => /^(\d+)\n/.exec(first.stdout())?.[1]));
  for (const times of [1, 2]) {
    first.child.kill("SIGTERM");
    await until("it is asked", () => countOf(first.stdout(), "asked") >= times);
  }
  process.kill(pid, "SIGUSR1");
  expect(await first.end).toBe(0);
  expect(first.stdout()).toMatch(/asked\ndone\n$/);
});

test("a sidecar that is killed while it is to end is not started again", async () => {
  const first = start(`trap 'kill -9 $$' TERM; echo ready; while :; do sleep 0.05; done`);
  await until("it runs", () => first.stdout().includes("ready"));
  first.child.kill("SIGTERM");
  expect(await first.end).toBe(137);
  expect(first.stdout()).toBe("ready\n");
});

test("SIGTERM ends it in the pause before another start, with the code of the crash", async () => {
  const first = start("echo started; exit 3");
  await until("it rests", () => first.stderr().includes("in 1 s"));
  first.child.kill("SIGTERM");
  expect(await first.end).toBe(3);
});

test("SIGTERM is heard at every instant of the start", async () => {
  for (let delayMs = 0; delayMs < 12; delayMs += 0.4) {
    const first = start("exec sleep 600");
    const at = performance.now() + delayMs;
    while (performance.now() < at); // shorter than a timer's unit
    first.child.kill("SIGTERM");
    expect(["SIGTERM", 143]).toContain(await first.end); // by the signal itself, as long as it is no script yet
  }
});

test("it goes on when nobody reads what it says any more", async () => {
  const first = start("echo started; exit 1");
  first.child.stderr.destroy();
  await until("it is started three times", () => countOf(first.stdout(), "started") >= 3);
  expect(first.child.exitCode).toBe(null);
});
