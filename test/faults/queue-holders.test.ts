/**
 * What keeps the queues held across a restart is taken away: it comes back by itself, or the protection says
 * why not.
 */
import { mkdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { configure, execIn } from "../../src/netns/namespace.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab({ per: "test" });
const filePath = (): string => join(lab.stateFolder, "queue-holders.json");
const start = (): Promise<Sidecar> => lab.startSidecar({ policy: { egress: [] } });

interface HeldQueue {
  readonly state: unknown;
  readonly reason: unknown;
}

/** What the log says of the protection last; the start's own line says no reason. */
function lastOf(sidecar: Sidecar): HeldQueue {
  const { state, reason } = sidecar.logs().findLast(({ protection }) => protection === "af-xdp") ?? {};
  return { state: state ?? "on", reason };
}

/** The process that keeps the queue held. */
async function findHolder(): Promise<string> {
  const script =
    'for pid in $(ip netns pids "$1"); do grep -qx sleep /proc/$pid/comm && echo $pid; done; true';
  const { stdout } = await execIn(lab.sandbox, ["sh", "-c", script, "sh", lab.sandbox.name]);
  return stdout.trim();
}

/** Any change of the network has the queues looked at. */
async function haveLooked(): Promise<void> {
  await configure(lab.sandbox, ["addr add 192.0.2.77/32 dev eth0"]);
}

const isWritten = async (holder: string): Promise<boolean> => {
  const found = await stat(filePath()).catch(() => undefined);
  return found?.isFile() === true && (await readFile(filePath(), "utf8")).includes(`"pid":${holder},`);
};

test("the holder is killed: another one takes its place, and a restart knows it", async () => {
  const first = await start();
  const holder = await findHolder();
  process.kill(Number(holder), "SIGKILL");
  await haveLooked();
  const next = await until("there is another one", async () => {
    const found = await findHolder();
    return found !== "" && found !== holder && found;
  });
  expect(await until("it is written down", () => isWritten(next))).toBe(true);
  await first.kill("SIGKILL");
  expect(lastOf(await start())).toEqual({ state: "on", reason: undefined });
  expect(await findHolder()).toBe(next);
});

test.each([
  ["deleted", async () => undefined],
  ["replaced by a FIFO", (path: string) => requireCommand(["mkfifo", path])],
  ["replaced by a link", (path: string) => symlink("/etc/passwd", path)],
  ["replaced by one that names nobody", (path: string) => writeFile(path, "[]")],
  ["replaced by what is no JSON", (path: string) => writeFile(path, "[{")],
])(
  "the file that names the holder is %s: it is written again, and a restart knows it",
  async (_, replace) => {
    const first = await start();
    const holder = await findHolder();
    await rm(filePath());
    await replace(filePath());
    await haveLooked();
    await until("it is written again", () => isWritten(holder));
    await first.kill("SIGKILL");
    expect(lastOf(await start())).toEqual({ state: "on", reason: undefined });
    expect(await findHolder()).toBe(holder);
  },
);

test("the file cannot be written again: the protection is off, says why, and is on once it can", async () => {
  const sidecar = await start();
  await rm(filePath());
  await mkdir(join(filePath(), "full"), { recursive: true });
  await haveLooked();
  await until("it is off", () => lastOf(sidecar).state === "off");
  expect(lastOf(sidecar).reason).toMatch(
    /queue-holders\.json cannot be written \((?:EISDIR|ENOTEMPTY|EEXIST)\)/,
  );
  await rm(filePath(), { recursive: true });
  await until("it is on again", () => lastOf(sidecar).state === "on");
  expect(await isWritten(await findHolder())).toBe(true);
});

test("a FIFO stands there at the start: neither the start nor the teardown waits for it, and the protection says what is wrong", async () => {
  const first = await start();
  await first.kill("SIGKILL");
  await rm(filePath());
  await requireCommand(["mkfifo", filePath()]);
  const second = await start();
  expect(lastOf(second).state).toBe("off");
  expect(lastOf(second).reason).toContain("another process holds queue 0 of interface eth0");
  await second.kill();
  const env = { OPENSANDBOX_EGRESS_SOCKET: join(lab.stateFolder, "egress.sock"), PATH: process.env["PATH"] };
  expect(await execIn(lab.sandbox, [process.execPath, MAIN, "teardown"], { env })).toMatchObject({
    exitCode: 0,
  });
  expect(await findHolder()).toBe("");
});

test("a known gap: with another socket's place the own holder counts as a stranger, until a teardown lets it go", async () => {
  const first = await start();
  await first.kill("SIGKILL");
  const env = { OPENSANDBOX_EGRESS_SOCKET: join(lab.stateFolder, "elsewhere", "egress.sock") };
  const second = await lab.startSidecar({ policy: { egress: [] }, env, awaitHealth: false });
  await until("it is told", () => lastOf(second).state === "off");
  expect(lastOf(second).reason).toContain("another process holds queue 0 of interface eth0");
  await second.kill();
  const teardown = { env: { ...env, PATH: process.env["PATH"] } };
  expect(await execIn(lab.sandbox, [process.execPath, MAIN, "teardown"], teardown)).toMatchObject({
    exitCode: 0,
  });
  const third = await lab.startSidecar({ policy: { egress: [] }, env, awaitHealth: false });
  await until("it is ready", () => third.output().includes("egress sidecar ready"));
  expect(lastOf(third)).toEqual({ state: "on", reason: undefined });
});
