/** The policy of a run that is under way, seen and changed by `egress policy --run`. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { type RunningCommand, runCommand, startCommand } from "../../src/netns/command.ts";
import { WAIT_MS } from "../support/limits.ts";
import { createMachine, type Machine } from "../support/machine.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ ipv6: false });
let machine: Machine;
let holder: RunningCommand;
let isReady = false;
beforeAll(async () => {
  machine = createMachine(lab);
  // A /run without the runs of others on this machine.
  const script = "mount -t tmpfs tmpfs /run && echo ready && exec sleep 600";
  holder = startCommand(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], {
    timeoutMs: 10 * WAIT_MS,
  });
  holder.stdout.on("data", () => (isReady = true));
  await until("a /run of its own is there", () => isReady);
});
afterAll(async () => {
  holder.kill("SIGKILL");
  await holder.end;
});

const inside = () => ["/usr/bin/nsenter", `--mount=/proc/${holder.pid}/ns/mnt`, "--"] as const;
const policy = (...args: readonly string[]) =>
  runCommand([...inside(), process.execPath, MAIN, "policy", ...args], { timeoutMs: WAIT_MS });
const start = (...args: readonly string[]) => machine.startReady(args, { under: inside() });

test("it is found where there is one; where there is none, or several, that is said", async () => {
  const none = await policy("get", "--run");
  expect(none.stderr).toContain("--run: no run is under way");
  const fetch = "echo ready; read go; curl -s --max-time 5 http://one.example.org/";
  const run = await start("--allow", "three.example.org", "--", "sh", "-c", fetch);
  expect((await policy("get", "--run")).stdout).toContain("allow three.example.org\n");
  expect(await policy("patch", "--run", "--allow", "one.example.org,two.example.org")).toMatchObject({
    exitCode: 0,
  });
  const other = await start("--", "sh", "-c", "echo ready; read go");
  expect((await policy("get", "--run")).stderr).toMatch(
    /--run: 2 runs are under way, give one: (--socket \/run\/egress-run-\S+\/egress\.sock \(process \d+: sh -c .*\)(, )?){2}/,
  );
  other.process.stdin.end("go\n");
  await other.end;
  run.process.stdin.end("go\n");
  expect((await run.end).stdout).toBe("ready\nhello from 198.51.100.1\n");
});

test("--run goes with no other place", async () => {
  const { exitCode, stderr } = await policy("get", "--run", "--socket", "/x");
  expect(exitCode).toBe(64);
  expect(stderr).toContain("--run is a place of its own");
});
