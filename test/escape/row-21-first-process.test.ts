/**
 * Row 21, in a container: a workload that makes the sidecar die, be it by the out-of-memory killer, must find
 * no queue free before it is back. Here the container is a process namespace; in the image itself:
 * `test/image/first-process.test.ts`.
 */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type Argv, requireCommand } from "../../src/netns/command.ts";
import { isAlive } from "../../src/netns/namespace.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, leaksOf, macOf, POLICY, startAttack } from "./attack.ts";

const FIRST_PROCESS = fileURLToPath(new URL("../../image/first-process.sh", import.meta.url));
const CONTAINER: Argv = ["unshare", "--pid", "--fork", "--mount-proc"];
/** Not for the sidecar itself, which has no process outlive it if it is to end with its parent. */
const ENDING_WITH_TEST: Argv = [...CONTAINER, "--kill-child"];
const SERVE: Argv = [process.execPath, MAIN, "serve"];

const lab = useLab({ per: "test" });

async function childrenOf(pid: number): Promise<readonly number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
  return text.split(" ").filter(Boolean).map(Number);
}

async function onlyChildOf(pid: number): Promise<number> {
  return until(`process ${pid} has a child`, async () => (await childrenOf(pid))[0]);
}

/** The sidecar's process below the first one, among holders that it has taken in. */
async function findSidecar(first: number): Promise<number | undefined> {
  for (const pid of await childrenOf(first)) {
    const command = await readFile(`/proc/${pid}/cmdline`, "latin1").catch(() => "");
    if (command.includes(MAIN)) return pid;
  }
  return undefined;
}

const isHealthy = async (sidecar: Sidecar): Promise<boolean> =>
  (await sidecar.api("GET", "/healthz").catch(() => undefined))?.status === 200;

test("as process 1 the sidecar frees the queue when it is killed, and says before that it would", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY, program: [...CONTAINER, ...SERVE] });
  const first = await onlyChildOf(sidecar.pid);
  onTestFinished(() => void (isAlive(first) && process.kill(first, "SIGKILL")));
  expect(sidecar.output()).toContain("as process 1 of its container it ends all others with it");
  await using workload = await startAttack(lab, "xdp", "seize", "eth0", "0");
  process.kill(first, "SIGKILL");
  await until("the workload has the queue", () => workload.lines.some(({ event }) => event === "seized"));
});

test("as process 1 the sidecar does not pass where the protection is required", async () => {
  const env = { OPENSANDBOX_EGRESS_REQUIRE: "af-xdp" };
  const program: Argv = [...CONTAINER, ...SERVE];
  const sidecar = await lab.startSidecar({ policy: POLICY, env, program, awaitHealth: false });
  expect(await sidecar.exit).toMatchObject({ exitCode: 78 });
});

test("under the image's first process a killed sidecar comes back, and no queue is free meanwhile", async () => {
  const program: Argv = [...ENDING_WITH_TEST, FIRST_PROCESS, ...SERVE];
  const env = { OPENSANDBOX_EGRESS_REQUIRE: "af-xdp" };
  const sidecar = await lab.startSidecar({ policy: POLICY, env, program });
  const first = await onlyChildOf(sidecar.pid);
  const gateway = await macOf(lab.internet);
  await using workload = await startAttack(lab, "xdp", "seize", "eth0", "0");
  const leaks = await leaksOf(lab, async () => {
    for (let times = 1; times <= 3; times++) {
      const pid = await until("the sidecar runs", async () => findSidecar(first));
      await until("it is healthy", async () => isHealthy(sidecar));
      process.kill(pid, "SIGKILL");
      await until("it has ended", () => !isAlive(pid));
      expect(await attack(lab, "xdp", "send", "eth0", gateway, SANDBOX_V4, "203.0.113.21")).toEqual({
        "queue 0": "EBUSY",
      });
      expect(await lab.curl("http://198.51.100.9/")).toMatchObject({ exitCode: 7 });
    }
  });
  await until("it is healthy again", async () => isHealthy(sidecar));
  expect(await onlyChildOf(sidecar.pid)).toBe(first);
  expect(workload.lines.map(({ event }) => event)).toEqual(["ready"]);
  expect(workload.process.hasEnded()).toBe(false);
  expect(leaks).toEqual([]);
  expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
});

test("the first process takes in what has lost its parent, and ends with the sidecar", async () => {
  const program: Argv = [...ENDING_WITH_TEST, FIRST_PROCESS, ...SERVE];
  const sidecar = await lab.startSidecar({ policy: POLICY, program });
  const first = await onlyChildOf(sidecar.pid);
  const pid = await until("the sidecar runs", async () => findSidecar(first));
  process.kill(pid, "SIGKILL");
  await until("it runs again", async () => ((await findSidecar(first)) ?? pid) !== pid);
  const holder = await until("the holder is the first process's", async () => {
    const again = await findSidecar(first);
    return (await childrenOf(first)).find((child) => child !== again);
  });
  process.kill(holder, "SIGKILL");
  await until("nothing is left of it", async () => !(await childrenOf(first)).includes(holder));
  await until("it is healthy", async () => isHealthy(sidecar));
  process.kill(first, "SIGTERM");
  expect(await sidecar.exit).toMatchObject({ exitCode: 0 });
});

test("a limit of processes keeps it waiting, and does not end it", async () => {
  const limited: Argv = ["setpriv", "--reuid=64711", "prlimit", "--nproc=1:20"];
  const child = lab.startAsWorkload([...limited, FIRST_PROCESS, "sh", "-c", "exit 0"]);
  let complaints = "";
  child.stderr.on("data", (chunk: Buffer) => (complaints += chunk.toString()));
  await until("it cannot start the sidecar", () =>
    complaints.includes("there can be no new process; the rules"),
  );
  expect(child.hasEnded()).toBe(false);
  await requireCommand(["setpriv", "--reuid=64711", "prlimit", `--pid=${child.pid}`, "--nproc=20"]);
  expect(await child.end).toMatchObject({ exitCode: 0 });
});
