/** Row 32: an interface that is added while the sandbox runs, raced for by the workload. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { type Canary, type Frame, startCanary } from "../support/canary.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import type { Sidecar } from "../support/sidecar.ts";
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
