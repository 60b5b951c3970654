/**
 * Signals that are not for us. By one of them Node opens its debugger on loopback; it is sent by an operator
 * whose other programs open their logs anew at it.
 */
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { spawnIn } from "../../src/netns/namespace.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();

/** Sent by others: a terminal that closes, a supervisor, a timer that was set before the exec. */
const ENDING = ["SIGHUP", "SIGQUIT", "SIGALRM", "SIGVTALRM", "SIGIO", "SIGPWR", "SIGXCPU"] as const;

test.each(ENDING)("%s ends it in order, as SIGTERM does", async (signal) => {
  await using sidecar = await lab.startSidecar();
  expect(await sidecar.kill(signal)).toEqual({ exitCode: 0, signal: undefined });
  expect(sidecar.logs().map(({ msg }) => msg)).toContain("stopping: the rules stay in the kernel");
});

test("SIGUSR2 does nothing", async () => {
  await using sidecar = await lab.startSidecar();
  process.kill(sidecar.pid, "SIGUSR2");
  await sidecar.api("GET", "/healthz");
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  expect(await sidecar.kill()).toEqual({ exitCode: 0, signal: undefined });
});

const NODE_ITSELF = "console.log('ready'); setInterval(() => undefined, 1000)";

test("SIGUSR1 opens no debugger in the sandbox's network namespace, as it does in other Node programs", async () => {
  await using sidecar = await lab.startSidecar();
  const other = spawnIn(lab.sandbox, [process.execPath, "--eval", NODE_ITSELF]);
  const lines: string[] = [];
  for (const stream of [other.stdout, other.stderr])
    createInterface({ input: stream }).on("line", (line) => lines.push(line));
  try {
    await until("the other program runs", () => lines.includes("ready"));
    process.kill(sidecar.pid, "SIGUSR1");
    await sidecar.api("GET", "/healthz");
    // The port is free for it, for the sidecar, which was asked first, has not taken it.
    other.kill("SIGUSR1");
    await until("the other's debugger says something", () => lines.some((line) => line !== "ready"));
    expect(lines[1]).toMatch(/^Debugger listening on ws:\/\/127\.0\.0\.1:9229\//);
    expect(sidecar.output()).not.toMatch(/debugger/i);
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  } finally {
    other.kill("SIGKILL");
    await other.end;
  }
});
