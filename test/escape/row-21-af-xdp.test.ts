/**
 * Row 21: AF_XDP sockets send past every hook, so each queue of each interface is held before a workload can
 * take it.
 */
import { expect, test } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { SANDBOX_V4 } from "../support/lab.ts";
import { runProgram } from "../support/program.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { MAIN } from "../support/tested-program.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, macOf, type Outcome, POLICY, startAttack } from "./attack.ts";

const lab = useLab({ per: "test" });

async function send(device: string, ...queues: readonly string[]): Promise<Outcome> {
  const gateway = await macOf(lab.internet);
  return attack(lab, "xdp", "send", device, gateway, SANDBOX_V4, "203.0.113.21", ...queues);
}

const isHeld = async (device: string): Promise<boolean> => (await send(device))["queue 0"] === "EBUSY";

/** Processes that keep queues held. */
async function listHolders(): Promise<readonly string[]> {
  const { stdout } = await execIn(lab.sandbox, [
    "sh",
    "-c",
    'for pid in $(ip netns pids "$1"); do grep -lx sleep /proc/$pid/comm; done; true',
    "sh",
    lab.sandbox.name,
  ]);
  return stdout.split("\n").filter(Boolean);
}

/** What the log says of the protection, oldest first, the start's line included. */
function statesOf(sidecar: Sidecar): readonly unknown[] {
  return sidecar.logs().flatMap((line) => {
    if (line["protection"] === "af-xdp") return [line["state"]];
    const all = line["protections"];
    return typeof all === "object" && all !== null && "af-xdp" in all ? [all["af-xdp"]] : [];
  });
}

test.for(FAMILIES)(
  "without the sidecar a frame leaves, with it no queue is free, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const gateway = await macOf(lab.internet);
    const destination = deniedAddress(family, 21);
    const act = (): Promise<Outcome> =>
      attack(lab, "xdp", "send", "eth0", gateway, family.sandbox, destination);
    expect(await leaksOf(lab, act)).toMatchObject([{ destination, destinationPort: 21 }]);
    const sidecar = await lab.startSidecar({ policy: POLICY });
    let outcome: Outcome = {};
    expect(await leaksOf(lab, async () => (outcome = await act()))).toEqual([]);
    expect(outcome).toEqual({ "queue 0": "EBUSY" });
    expect(statesOf(sidecar)).toEqual(["on"]);
  },
);

test("neither another mode nor shared memory gets at a held queue", async () => {
  await lab.startSidecar({ policy: POLICY });
  expect(await attack(lab, "xdp", "variants", "eth0")).toEqual({
    "any mode": "EBUSY",
    "zero copy": "EBUSY",
    wakeup: "EBUSY",
    "base on lo": "sent",
    "shared memory": "EBUSY",
  });
});

test("every queue of an interface that comes later is held, under another name too, and let go with it", async () => {
  await lab.startSidecar({ policy: POLICY });
  const queues = ["0", "1", "2", "3"];
  const allHeld = Object.fromEntries(queues.map((queue) => [`queue ${queue}`, "EBUSY"]));
  await configure(lab.sandbox, ["link add eth1 numtxqueues 4 numrxqueues 4 up type veth peer name eth2"]);
  await until("two more interfaces have their holders", async () => (await listHolders()).length === 3);
  expect(await send("eth1", ...queues)).toEqual(allHeld);
  await configure(lab.sandbox, ["link set eth1 down", "link set eth1 name other", "link set other up"]);
  expect(await send("other", ...queues)).toEqual(allHeld);
  await configure(lab.sandbox, ["link delete other"]);
  await until("their holders are gone", async () => (await listHolders()).length === 1);
  expect(await send("eth0")).toEqual({ "queue 0": "EBUSY" });
});

test("an interface that is taken out of the namespace and put back is held again", async () => {
  await lab.startSidecar({ policy: POLICY });
  await configure(lab.sandbox, ["link add eth1 index 77 type veth peer name eth2"]);
  await until("its queue is held", async () => (await listHolders()).length === 3);
  await configure(lab.sandbox, [`link set eth1 netns ${lab.internet.name}`]);
  await configure(lab.internet, [`link set eth1 netns ${lab.sandbox.name}`]);
  await configure(lab.sandbox, ["link set eth1 up"]);
  // What the first one was held by has gone with it.
  expect(await until("its queue is held", async () => isHeld("eth1"))).toBe(true);
});

test("queues stay held while the sidecar is killed and started again, and it knows them for its own", async () => {
  const first = await lab.startSidecar({ policy: POLICY });
  const holders = await listHolders();
  expect(holders).toHaveLength(1);
  await first.kill("SIGKILL");
  expect(await send("eth0")).toEqual({ "queue 0": "EBUSY" });
  const second = await lab.startSidecar({ policy: POLICY });
  expect(statesOf(second)).toEqual(["on"]);
  await second.kill("SIGTERM");
  expect(await send("eth0")).toEqual({ "queue 0": "EBUSY" });
  expect(await listHolders()).toEqual(holders);
});

test("a queue that was taken before the start is told, and held once it is free", async () => {
  await using stranger = await startAttack(lab, "xdp", "hold", "eth0", "0");
  const sidecar = await lab.startSidecar({ policy: POLICY });
  expect(statesOf(sidecar)).toEqual(["off", "off"]);
  expect(sidecar.output()).toContain("another process holds queue 0 of interface eth0");
  await stranger[Symbol.asyncDispose]();
  await until("the protection is on", () => statesOf(sidecar).at(-1) === "on");
  expect(await send("eth0")).toEqual({ "queue 0": "EBUSY" });
});

test("where a taken queue is not put up with, the start is refused", async () => {
  await using _ = await startAttack(lab, "xdp", "hold", "eth0", "0");
  const env = { OPENSANDBOX_EGRESS_REQUIRE: "af-xdp" };
  const sidecar = await lab.startSidecar({ policy: POLICY, env, awaitHealth: false });
  expect(await sidecar.exit).toMatchObject({ exitCode: 78 });
  expect(sidecar.output()).toContain("the required protection af-xdp is off");
});

test.each([
  [
    "open no such socket",
    ["setpriv", "--bounding-set", "-net_raw", "--inh-caps", "-net_raw"],
    "socket EPERM, for want of CAP_NET_RAW",
  ],
  [
    "lock no memory",
    ["prlimit", "--memlock=0", "setpriv", "--bounding-set", "-ipc_lock", "--inh-caps", "-ipc_lock"],
    "setsockopt ENOBUFS, as the limit of locked memory",
  ],
])("a sidecar that may %s says that it does not hold the queues", async (_, [file = "", ...args], reason) => {
  const program = [file, ...args, process.execPath, MAIN, "serve"] as const;
  const sidecar = await lab.startSidecar({ policy: POLICY, program });
  expect(statesOf(sidecar)).toEqual(["off", "off"]);
  expect(sidecar.output()).toContain(reason);
});

test("a holder that dies is replaced, and the queue is never free", async () => {
  await lab.startSidecar({ policy: POLICY });
  const [holder = ""] = await listHolders();
  const pid = /\d+/.exec(holder)?.[0] ?? "";
  await execIn(lab.sandbox, ["kill", "-9", pid]);
  expect(await send("eth0")).toEqual({ "queue 0": "EBUSY" });
  // An event has the interfaces looked at anew.
  await configure(lab.sandbox, ["address add 192.0.2.77/32 dev eth0"]);
  await until("there is another", async () => {
    const [now] = await listHolders();
    return now !== undefined && now !== holder;
  });
});

test("teardown lets the queues go", async () => {
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await sidecar.kill();
  const env = { OPENSANDBOX_EGRESS_SOCKET: sidecar.socketPath };
  expect(await runProgram(lab.sandbox, ["teardown"], { env })).toMatchObject({ exitCode: 0 });
  expect(await listHolders()).toEqual([]);
  await until("a frame leaves", async () => (await send("eth0"))["queue 0"] === "sent");
});
