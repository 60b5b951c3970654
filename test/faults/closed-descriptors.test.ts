/**
 * The program loses a descriptor, each of its sockets in turn: what needed it may fail once, and works from
 * then on.
 */
import { readdir, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { attack, macOf, type Outcome } from "../escape/attack.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const CLOSER = fileURLToPath(new URL("close-descriptor-child.ts", import.meta.url));
const NAMES = Array.from({ length: 200 }, (_, index) => `n${index}.example.org`);
/** An address of its own for each: whoever learns one has to tell the kernel. */
const ZONE = Object.fromEntries(
  NAMES.map((name, index) => [
    name,
    { addresses: [`198.51.100.${50 + index}`, `2001:db8:100::${50 + index}`] },
  ]),
);
const POLICY = { egress: [{ action: "allow", target: "*.example.org" }] };
const KINDS = ["netlink", "tcp", "tcp6", "udp", "udp6", "xdp"];
const lab = useLab({ zone: ZONE, per: "test" });

const startLosing = (): Promise<Sidecar> =>
  lab.startSidecar({
    policy: POLICY,
    env: { DESCRIPTOR_FILE: join(lab.stateFolder, "descriptor") },
    program: [process.execPath, "--import", CLOSER, MAIN, "serve"],
  });

/** Its descriptors that are sockets, and which kinds there are; without the standard streams. */
async function listSockets({ pid }: Sidecar): Promise<ReadonlyMap<number, string>> {
  const kinds = new Map<string, string>();
  for (const kind of ["netlink", "packet", "raw", "raw6", "tcp", "tcp6", "udp", "udp6", "unix"]) {
    const { stdout } = await execIn(lab.sandbox, ["cat", `/proc/net/${kind}`]);
    for (const [inode] of stdout.matchAll(/\b\d{4,}\b/g)) kinds.set(inode, kind);
  }
  const sockets = new Map<number, string>();
  for (const fd of (await readdir(`/proc/${pid}/fd`)).map(Number)) {
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => "gone");
    const inode = /^socket:\[(\d+)\]$/.exec(target)?.[1];
    const kind = kinds.get(inode ?? "") ?? "xdp";
    // The API's unix socket is Node's own, and so are the standard streams.
    if (fd > 2 && inode !== undefined && kind !== "unix") sockets.set(fd, kind);
  }
  return sockets;
}

/** Of these sockets, those that ask the upstreams: over UDP, connected. */
async function listAsking(sidecar: Sidecar): Promise<readonly number[]> {
  const { stdout } = await execIn(lab.sandbox, ["ss", "-HunpO", "state", "established"]);
  const mine = new RegExp(`pid=${sidecar.pid},fd=(\\d+)`, "g");
  return Array.from(stdout.matchAll(mine), ([, fd]) => Number(fd));
}

async function close(sidecar: Sidecar, fd: number): Promise<void> {
  const told = (): number => sidecar.output().split(`descriptor ${fd} is closed`).length;
  const before = told();
  await writeFile(join(lab.stateFolder, "descriptor"), String(fd));
  process.kill(sidecar.pid, "SIGUSR2");
  await until("it is closed", () => told() > before);
}

/** Of each watch that was told to be dead, its name and why. */
function toldWatches(sidecar: Sidecar): readonly (readonly unknown[])[] {
  return sidecar
    .logs()
    .flatMap(({ watch, reason }) => (watch === undefined || reason === undefined ? [] : [[watch, reason]]));
}

async function heldQueue(): Promise<Outcome> {
  return attack(lab, "xdp", "send", "eth0", await macOf(lab.internet), SANDBOX_V4, "203.0.113.21");
}

let asked = 0;
async function isAnswered(...args: readonly string[]): Promise<boolean> {
  asked += 1;
  return (await lab.dig(...args, NAMES[asked % NAMES.length] ?? "", "A")).rcode === "NOERROR";
}

test("each of the program's sockets is closed: lookups, changes, callers and health are back by themselves", async () => {
  const sidecar = await startLosing();
  expect(await isAnswered()).toBe(true);
  // No lookup goes out meanwhile: it would find its socket closed, and have another one, before the watch
  // looks.
  const asking = await listAsking(sidecar);
  expect(asking.length).toBeGreaterThan(0);
  for (const fd of asking) await close(sidecar, fd);
  await until("the sockets that ask are missed", () =>
    toldWatches(sidecar).some(([watch]) => watch === "upstreams' answers"),
  );
  const sockets = await listSockets(sidecar);
  expect(new Set(sockets.values())).toEqual(
    new Set(lab.ipv6 ? KINDS : KINDS.filter((kind) => !kind.endsWith("6"))),
  );
  for (const [fd, kind] of sockets) {
    const what = `${kind} ${fd}`;
    await close(sidecar, fd);
    await until(`${what}: lookups over UDP`, () => isAnswered());
    await until(`${what}: lookups over TCP`, () => isAnswered("+tcp"));
    const body = [{ action: "allow", target: `203.0.113.${fd}` }];
    const change = async (): Promise<number> => (await sidecar.api("PATCH", "/policy", { body })).status;
    await until(`${what}: changes`, async () => (await change()) === 200);
    expect([what, (await lab.curl(`http://203.0.113.${fd}/`)).status]).toEqual([what, 200]);
    expect([what, (await lab.curl("http://203.0.113.250/")).exitCode]).toEqual([what, 7]);
    const call = async (): Promise<number> =>
      (await lab.curlFromOutside(`http://${SANDBOX_V4}:18080/healthz`)).status;
    await until(`${what}: health, asked over TCP`, async () => (await call()) === 200);
  }
  expect(await heldQueue()).toEqual({ "queue 0": "EBUSY" });
  const watches = toldWatches(sidecar).map(([watch]) => watch);
  expect(new Set(watches)).toEqual(
    new Set([
      "changes of the rules",
      "refused connections",
      "changes of the network",
      "upstreams' answers",
      "clients' queries",
      "callers of the API",
      "names of connections",
    ]),
  );
});

test("somebody with the right to it ends the API's listening sockets: told in the log, and opened again", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  const listening = async (): Promise<readonly string[]> => {
    const { stdout } = await execIn(lab.sandbox, ["ss", "-Hltn", "src", ":1024-65535"]);
    return stdout.split("\n").filter(Boolean);
  };
  const before = await listening();
  await execIn(lab.sandbox, ["ss", "-HltnK", "src", "[::]"]);
  await until("it is told", () => toldWatches(sidecar).length > 0);
  await until("they listen", async () => (await listening()).length === before.length);
  // Health is bad until a look finds nothing wrong.
  await until("callers from outside are told that all is well", async () => {
    return (await lab.curlFromOutside(`http://${SANDBOX_V4}:18080/healthz`)).status === 200;
  });
  expect((await lab.curl(`http://${SANDBOX_V4}:18080/healthz`)).status).toBe(200);
  expect(toldWatches(sidecar)).toContainEqual(["callers of the API", "its listening socket was ended"]);
});
