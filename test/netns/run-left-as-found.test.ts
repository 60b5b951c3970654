/**
 * What `egress run` leaves on the machine: nothing, however it ends, and whatever others do to the machine
 * meanwhile.
 */
import { existsSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import {
  execIn,
  isAlive,
  type NetworkNamespace,
  readSysctl,
  writeSysctl,
} from "../../src/netns/namespace.ts";
import { writeIntoFolder } from "../../src/sys/make-folder.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";

const lab = useLab();
const machine = useMachine(lab);

const WAIT = ["sh", "-c", "echo ready; exec sleep 300"];
const FETCH_ON_GO = ["sh", "-c", "echo ready; read go; curl -sS --max-time 60 http://one.example.org/"];
const HELLO = "hello from 198.51.100.1\n";

describe("a run that is killed", () => {
  test("takes command, sidecar, link and translation with it; the next run undoes the rest", async () => {
    await kill();
    const left = await machine.state();
    expect(left).toMatchObject({ links: [], settings: ["net/ipv4/conf/eth0/forwarding=1"] });
    expect(left.tables).not.toContain("egress_run_");
    expect(await machine.run(["--", "true"])).toMatchObject({ exitCode: 0 });
  });

  test("is undone by egress run --clean, which says so, and then has nothing to do", async () => {
    const folder = await kill();
    const first = await machine.run(["--clean"]);
    expect(first).toMatchObject({ exitCode: 0, stdout: "" });
    expect(first.stderr).toContain("an ended run has left forwarding of IPv4 by eth0: undone\n");
    // All runs of this machine's kernel have their folders in one place: another may have been quicker.
    expect(existsSync(folder)).toBe(false);
    const second = await machine.run(["--clean"]);
    expect(second.exitCode).toBe(0);
    expect(second.stderr).not.toContain("forwarding");
    expect(second.stderr).not.toContain(folder);
  });

  test("is undone even if the ruleset was flushed, or the folder in /run removed, meanwhile", async () => {
    await kill();
    await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
    expect(await machine.run(["--", "true"])).toMatchObject({ exitCode: 0 });
    expect((await machine.state()).settings).toEqual([]);
    await kill();
    for (const name of (await machine.state()).folders)
      if (name.startsWith("net-")) await execIn(lab.sandbox, ["rm", `/run/egress-forwarding/${name}`]);
    expect(await machine.run(["--clean"])).toMatchObject({ exitCode: 0 });
  });

  test("is not undone as long as another run lives", async () => {
    const other = await machine.startReady(["--allow", "one.example.org", "--", ...FETCH_ON_GO]);
    await kill();
    expect(await machine.run(["--clean"])).toMatchObject({ exitCode: 0 });
    other.process.stdin.end("go\n");
    expect(await other.end).toMatchObject({ exitCode: 0, stdout: `ready\n${HELLO}` });
  });
});

describe("two runs in process namespaces of their own", () => {
  const under = ["/usr/bin/unshare", "--pid", "--fork", "--mount-proc", "--kill-child"];

  test("stand beside each other, though their process ids are the same", async () => {
    const first = machine.start(["--allow", "one.example.org", "--", ...FETCH_ON_GO], { under });
    await until("the first is ready", () => first.stdout().includes("ready"));
    const second = await machine.run(
      ["--allow", "one.example.org", "--", "curl", "-sS", "--max-time", "5", "http://one.example.org/"],
      { under },
    );
    expect(second).toMatchObject({ exitCode: 0, stdout: HELLO });
    first.process.stdin.end("go\n");
    expect(await first.end).toMatchObject({ exitCode: 0, stdout: `ready\n${HELLO}` });
  });
});

test("nft flush ruleset during a run takes nothing from it, and its exit code stays the command's", async () => {
  const script = "echo ready; read go; curl -sS --max-time 60 http://one.example.org/; exit 5";
  const run = await machine.startReady(["--allow", "one.example.org", "--", "sh", "-c", script]);
  await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
  run.process.stdin.end("go\n");
  expect(await run.end).toMatchObject({ exitCode: 5, stdout: `ready\n${HELLO}` });
});

test("settings that forwarding resets stay as they are", async () => {
  const setting = "net.ipv4.conf.all.accept_redirects";
  const before = await readSysctl(lab.sandbox, setting);
  await writeSysctl(lab.sandbox, setting, "0");
  const run = await machine.startReady(["--", ...WAIT]);
  expect(await readSysctl(lab.sandbox, setting)).toBe("0");
  expect(await readSysctl(lab.sandbox, "net.ipv4.ip_forward")).toBe("0");
  run.process.kill("SIGTERM");
  await run.end;
  expect(await readSysctl(lab.sandbox, setting)).toBe("0");
  await writeSysctl(lab.sandbox, setting, before ?? "1");
});

test.each([
  ["for all interfaces", "net.ipv4.ip_forward"],
  ["by the way out alone", "net.ipv4.conf.eth0.forwarding"],
])("forwarding that was on before %s is not announced, and stays on", async (_case, setting) => {
  await writeSysctl(lab.sandbox, setting, "1");
  const { exitCode, stderr } = await machine.run(["--", "true"]);
  const after = await readSysctl(lab.sandbox, setting);
  await writeSysctl(lab.sandbox, setting, "0");
  expect({ exitCode, after }).toEqual({ exitCode: 0, after: "1" });
  expect(stderr).not.toContain("now forwards");
});

test.each([
  ["for all interfaces, as Docker does", "net.ipv4.ip_forward"],
  ["by the way out alone, which has it already", "net.ipv4.conf.eth0.forwarding"],
])("forwarding that somebody switches on during a run %s stays on", async (_case, setting) => {
  const run = await machine.startReady(["--", ...WAIT]);
  await writeSysctl(lab.sandbox, setting, "1");
  run.process.kill("SIGTERM");
  await run.end;
  const after = await readSysctl(lab.sandbox, "net.ipv4.conf.eth0.forwarding");
  await writeSysctl(lab.sandbox, setting, "0");
  expect(after).toBe("1");
});

test("many runs that end at the same moment all undo, and keep their commands' exit codes", async () => {
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => machine.startReady(["--", "sh", "-c", "echo ready; read go; exit 3"])),
  );
  for (const run of runs) run.process.stdin.end("go\n");
  for (const run of runs) {
    const { exitCode, stderr } = await run.end;
    expect({ exitCode, failed: stderr.includes("cannot") }).toEqual({ exitCode: 3, failed: false });
  }
});

test("a clean-up that fails is a warning: the command's exit code stays", async () => {
  const run = await machine.startReady(["--", "sh", "-c", "echo ready; read go; exit 7"]);
  const [device = ""] = (await machine.state()).links;
  await execIn(lab.sandbox, ["ip", "link", "delete", device]);
  run.process.stdin.end("go\n");
  const { exitCode, stderr } = await run.end;
  expect(exitCode).toBe(7);
  expect(stderr).toContain(`cannot remove interface ${device}: the kernel refused a batch: ENODEV`);
});

test("settings that are read-only end the run with 125 and a reason, and nothing stays", async () => {
  const script = `mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys; exec "$@"`;
  const under = ["/usr/bin/unshare", "--mount", "/bin/sh", "-c", script, "sh"];
  const { exitCode, stderr } = await machine.run(["--", "true"], { under });
  expect(exitCode).toBe(125);
  expect(stderr).toMatch(/EROFS.*\/proc\/sys\/net/);
  expect(stderr).not.toContain("now forwards");
});

test("the sign of a run is a name in the machine's network namespace", async () => {
  const run = await machine.startReady(["--", ...WAIT]);
  const [device = ""] = (await machine.state()).links;
  expect(await heldNames()).toContain(` @egress-run/${device.slice("egr".length)}\n`);
  const [pid = 0] = machine.insiders(run);
  expect(readFileSync(`/proc/${pid}/net/unix`, "latin1")).not.toContain("@egress-run/");
  run.process.kill("SIGTERM");
  await run.end;
  expect(await heldNames()).not.toContain("@egress-run");
});

describe("what is remembered of another network namespace", () => {
  /** Linux gives none so small a number. */
  const GONE = "1";

  test("goes with the namespace: egress run --clean removes it and says so", async () => {
    // All runs of this machine's kernel have these files in one place: another may be quicker to remove it.
    await until("the file is undone by this call", async () => {
      const path = remember(GONE, bootId());
      const { stderr } = await machine.run(["--clean"]);
      expect(existsSync(path)).toBe(false);
      return stderr.includes(`an ended run has left file ${path}: undone\n`);
    });
  });

  test("goes with the machine's boot, by the next run", async () => {
    const path = remember(await inodeOf(lab.internet), "another boot");
    expect(await machine.run(["--", "true"])).toMatchObject({ exitCode: 0 });
    expect(existsSync(path)).toBe(false);
  });

  test("stays as long as the namespace lives", async () => {
    const path = remember(await inodeOf(lab.internet), bootId());
    await machine.run(["--clean"]);
    expect(existsSync(path)).toBe(true);
    await rm(path);
  });
});

/** Kills a run, and waits until all has gone that goes with it. Gives the run's folder, which stays. */
async function kill(): Promise<string> {
  const before = (await machine.state()).links;
  const run = await machine.startReady(["--", ...WAIT]);
  const pids = machine.insiders(run);
  expect(pids.length).toBeGreaterThan(2);
  run.process.kill("SIGKILL");
  await run.end;
  await until("command, sidecar and link are gone", async () => {
    const { links } = await machine.state();
    return links.length === before.length && !pids.some(isAlive);
  });
  const id = /\begress_run_(?<id>[0-9a-f]{8})/.exec(run.stderr())?.groups?.["id"];
  expect(id).toBeDefined();
  return `/run/egress-run-${id}`;
}

async function heldNames(): Promise<string> {
  return (await execIn(lab.sandbox, ["cat", "/proc/net/unix"])).stdout;
}

function remember(inode: string, boot: string): string {
  const path = `/run/egress-forwarding/net-${inode}-7`;
  // As runs do it: others remove the folder when it is empty.
  writeIntoFolder(path, boot);
  return path;
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8");
}

async function inodeOf(namespace: NetworkNamespace): Promise<string> {
  return (await execIn(namespace, ["stat", "-L", "-c", "%i", "/proc/self/ns/net"])).stdout.trim();
}
