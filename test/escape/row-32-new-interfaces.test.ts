/** Row 32: an interface that is added while the sandbox runs, raced for by the workload. */
import { afterEach, beforeEach, describe, expect, test, type TestContext } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { isKernelAtLeast } from "../../src/sys/kernel-version.ts";
import { type Canary, type Frame, startCanary } from "../support/canary.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { deniedAddress, POLICY, startAttack } from "./attack.ts";

const lab = useLab({ per: "test" });
/** At the far end of the new interface. */
let canary: Canary;
beforeEach(async () => {
  await configure(lab.internet, ["link add eth1 type veth peer name eth2", "link set eth2 up"]);
  canary = await startCanary(lab.internet, "eth2");
});
afterEach(() => canary[Symbol.asyncDispose]());

/** The interface appears in the sandbox, and is up at once. */
async function plug(): Promise<void> {
  await configure(lab.internet, [`link set eth1 netns ${lab.sandbox.name}`]);
  await configure(lab.sandbox, ["link set eth1 up"]);
}

const countOf = ({ lines }: JsonServer, event: string): number =>
  lines.filter((line) => line.event === event).length;

/** What leaves by the interface for the denied address, from the first instant of it. */
async function race(way: "frames" | "xdp", family: Family): Promise<readonly Frame[]> {
  const denied = deniedAddress(family, 32);
  await using attacker = await startAttack(lab, "new_interface", way, "eth1", family.sandbox, denied);
  const frames = await canary.during(async () => {
    await plug();
    await until("the attack is over", () => countOf(attacker, "done") > 0);
  });
  return frames.filter(({ destination }) => destination === denied);
}

const stateOf = (sidecar: Sidecar, protection: string): unknown =>
  sidecar.logs().findLast((line) => line["protection"] === protection)?.["state"];

describe.each(["frames", "xdp"] as const)("by %s", (way) => {
  test.for(FAMILIES)(
    "without a sidecar the workload's frames leave by it, $name",
    async (family, context) => {
      skipWithoutFamily(context, lab, family);
      expect(await race(way, family)).not.toEqual([]);
    },
  );
});

const hasDoor = async (): Promise<boolean> =>
  (await execIn(lab.sandbox, ["nft", "list", "tables", "netdev"])).stdout.includes("opensandbox_door");

/** With interfaces to come closed. */
async function startClosed(context: TestContext, policy: object = POLICY): Promise<Sidecar> {
  const sidecar = await lab.startSidecar({ policy });
  const isThere = await hasDoor();
  if (!isThere && !isKernelAtLeast(6, 18)) {
    skipBecause(context, "this kernel hooks no interfaces by the prefix of a name");
  }
  expect(isThere).toBe(true);
  return sidecar;
}

const isGuarded = async (device: string): Promise<boolean> =>
  (await execIn(lab.sandbox, ["nft", "list", "table", "netdev", "opensandbox_guard"])).stdout.includes(
    `"${device}"`,
  );

describe("where the kernel can close interfaces to come", () => {
  test.for(FAMILIES)("no raw frame leaves by it, from its first instant, $name", async (family, context) => {
    skipWithoutFamily(context, lab, family);
    await startClosed(context);
    expect(await race("frames", family)).toEqual([]);
  });

  test.for(FAMILIES)("nor while the sidecar is away, killed, $name", async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const sidecar = await startClosed(context);
    await sidecar.kill("SIGKILL");
    expect(await race("frames", family)).toEqual([]);
  });

  test.for(FAMILIES)("nor after somebody has flushed all rules, $name", async (family, context) => {
    skipWithoutFamily(context, lab, family);
    await startClosed(context);
    await execIn(lab.sandbox, ["nft", "flush", "ruleset"]);
    await until("it is there again", hasDoor);
    expect(await race("frames", family)).toEqual([]);
  });

  test("the table that closes them is made anew where somebody deletes it, and that is told", async (context) => {
    const sidecar = await startClosed(context);
    await execIn(lab.sandbox, ["nft", "delete", "table", "netdev", "opensandbox_door"]);
    await until("it is told", () => sidecar.output().includes("netdev opensandbox_door: table deleted"));
    await until("it is there again", hasDoor);
    await until("all is well", async () => (await sidecar.api("GET", "/healthz")).status === 200);
    const events = sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.ruleset_repaired");
    // What the sidecar makes itself is nobody else's.
    expect(events).toHaveLength(1);
  });

  test.for(FAMILIES)("nor by one that comes back under its name, $name", async (family, context) => {
    skipWithoutFamily(context, lab, family);
    await startClosed(context);
    await plug();
    await until("it is guarded", () => isGuarded("eth1"));
    await configure(lab.sandbox, [`link set eth1 netns ${lab.internet.name}`]);
    await until("its guard is gone", async () => !(await isGuarded("eth1")));
    expect(await race("frames", family)).toEqual([]);
  });

  test("what is allowed leaves by it once it has its guard, and by those that were there throughout", async (context) => {
    const address = "203.0.113.253";
    const sidecar = await startClosed(context, {
      egress: [...POLICY.egress, { action: "allow", target: address }],
    });
    await configure(lab.internet, [`address add ${address}/30 dev eth2`]);
    await plug();
    await configure(lab.sandbox, ["address add 203.0.113.254/30 dev eth1"]);
    await until("it passes", async () => (await lab.curl(`http://${address}/`)).status === 200);
    expect(await lab.curl("http://one.example.org/")).toMatchObject({ status: 200 });
    await sidecar.kill("SIGKILL");
    await lab.startSidecar({ policy: { egress: [{ action: "allow", target: address }] } });
    expect(await lab.curl(`http://${address}/`)).toMatchObject({ status: 200 });
  });

  test("the same holds where there are many with long names", async (context) => {
    const address = "203.0.113.253";
    const device = "z".padEnd(15, "0");
    const [one, other] = ["y", "x"].map((letter) => letter.padEnd(15, "0"));
    await configure(lab.sandbox, [`link add ${one} type veth peer name ${other}`]);
    await startClosed(context, { egress: [{ action: "allow", target: address }] });
    await configure(lab.internet, [
      `address add ${address}/30 dev eth2`,
      `link set eth1 name ${device} netns ${lab.sandbox.name}`,
    ]);
    await configure(lab.sandbox, [`address add 203.0.113.254/30 dev ${device}`, `link set ${device} up`]);
    await until("it has its guard", () => isGuarded(device));
    await until("it passes", async () => (await lab.curl(`http://${address}/`)).status === 200);
    expect(await lab.curl("http://198.51.100.1/")).toMatchObject({ exitCode: 7 });
  });
});

test.for(FAMILIES)(
  "one whose queue the workload takes first is set down, and that is told, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const sidecar = await lab.startSidecar({ policy: POLICY });
    const denied = deniedAddress(family, 32);
    await using attacker = await startAttack(lab, "new_interface", "xdp", "eth1", family.sandbox, denied);
    // The race is the workload's: the sidecar is held up.
    process.kill(sidecar.pid, "SIGSTOP");
    await configure(lab.internet, [`link set eth1 netns ${lab.sandbox.name}`]);
    await until("the queue is taken", () => countOf(attacker, "taken") > 0);
    process.kill(sidecar.pid, "SIGCONT");
    await until("it is told", () => stateOf(sidecar, "af-xdp") === "off");
    expect(sidecar.output()).toContain("queue 0 of interface eth1, so that the interface was set down");
    await configure(lab.sandbox, ["link set eth1 up"]);
    // Whoever has plugged it may set it up once more.
    await until("it is down", async () => {
      const { stdout } = await execIn(lab.sandbox, ["ip", "-br", "link", "show", "eth1"]);
      return stdout.includes("DOWN");
    });
    const late = await canary.during(async () => {
      const before = countOf(attacker, "down");
      await until("the attack meets an interface that is down", () => countOf(attacker, "down") > before + 2);
    });
    expect(late.filter(({ destination }) => destination === denied)).toEqual([]);
  },
);
