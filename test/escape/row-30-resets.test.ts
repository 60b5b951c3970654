/**
 * Row 30: connections of the operator's and of the sidecar's own, ended or answered by a workload in the name
 * of one of their ends.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import { startJsonServer } from "../support/json-server.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { type Receiver, startReceiver } from "../support/receiver.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import {
  attackArgv,
  deniedAddress,
  type Outcome,
  POLICY,
  readApiPorts,
  readOutcome,
  startAttack,
} from "./attack.ts";

/** How a workload with raw sockets goes about it; see `attacks/resets.py`. */
const WAYS = ["far", "own", "provoked", "answer"] as const;
const CALLS = 8;
const HOOK_PORT = 9090;
/** Nobody's but the server's, which the careless rule below does not refuse. */
const SERVER_GROUP = "4242";
/** Refuses any segment by a reset, also one made by hand in a flow of somebody else's. */
const CARELESS = `table inet careless {
  chain output { type filter hook output priority 0; tcp sport 18080 meta skgid != ${SERVER_GROUP} reject with tcp reset; }
}`;

let lab: Lab;

/** How honest callers from outside fare at the API's port. */
async function failedCalls({ sandbox }: Family): Promise<readonly string[]> {
  const argv = attackArgv("resets", ["call", sandbox, "18080", String(CALLS)]);
  const outcome: Outcome = readOutcome(await execIn(lab.internet, argv));
  expect(Object.keys(outcome)).toHaveLength(CALLS);
  return Object.values(outcome).filter((result) => !result.startsWith("HTTP/1.1 200"));
}

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  beforeAll(async () => {
    lab = await createLab();
  });
  afterAll(() => lab[Symbol.asyncDispose]());

  test.for(WAYS)("callers of a server are cut off or lied to, by %s", async (way, context) => {
    skipWithoutFamily(context, lab, family);
    const argv = ["setpriv", "--regid", SERVER_GROUP, "--keep-groups"] as const;
    const serve = attackArgv("resets", ["serve", family.sandbox, "18080"]);
    await using _server = await startJsonServer(lab.sandbox, [...argv, ...serve]);
    expect(await failedCalls(family)).toEqual([]);
    if (way === "provoked") await execIn(lab.sandbox, ["nft", "-f", "-"], { input: CARELESS });
    await using _attack = await startAttack(lab, "resets", way, "eth0", "18080");
    expect(await failedCalls(family)).not.toEqual([]);
  });
});

/**
 * Until `act` is done, connections to the port are opened in vain: what is told of them in the meantime is in
 * time.
 */
async function duringSilence(port: number, act: () => Promise<void>): Promise<void> {
  const silence = `add table inet silence; add chain inet silence input { type filter hook input priority 0; }; add rule inet silence input tcp dport ${port} drop`;
  await execIn(lab.internet, ["nft", silence]);
  try {
    await act();
  } finally {
    await execIn(lab.internet, ["nft", "delete table inet silence"]);
  }
}

const events = (receiver: Receiver): number => receiver.requests().length;

test.for(FAMILIES)(
  "without a sidecar a forged ICMP error ends a connection that is being opened, $name",
  async (family, context) => {
    lab = await createLab();
    await using _ = lab;
    skipWithoutFamily(context, lab, family);
    await using attacker = await startAttack(lab, "resets", "unreachable", "eth0", String(HOOK_PORT));
    await duringSilence(HOOK_PORT, async () => {
      const argv = attackArgv("resets", ["call", family.nameless, String(HOOK_PORT), "1"]);
      expect(readOutcome(await execIn(lab.sandbox, argv))).toEqual({ "call 0": "EHOSTUNREACH" });
    });
    await expect.poll(() => attacker.lines).toContainEqual({ event: "told", result: "sent" });
  },
);

describe.each(FAMILIES)("under the sidecar, $name", (family) => {
  const hook = deniedAddress(family, 30);
  let receiver: Receiver;
  let sidecar: Sidecar;
  beforeAll(async () => {
    lab = await createLab();
    receiver = await startReceiver(lab.internet, { port: HOOK_PORT });
  });
  afterAll(async () => {
    await receiver[Symbol.asyncDispose]();
    await lab[Symbol.asyncDispose]();
  });

  // Where the policy allows the far end's address, what is made by hand may leave for it.
  describe.each(["deny", "allow"])("by default %s", (defaultAction) => {
    beforeAll(async () => {
      sidecar = await lab.startSidecar({
        policy: {
          defaultAction,
          egress: [...POLICY.egress, { action: "deny", target: "*.denied.example.org" }],
        },
        env: { OPENSANDBOX_EGRESS_DENY_WEBHOOK: urlOf(hook, "/hook").replace("/hook", `:${HOOK_PORT}/hook`) },
      });
    });
    afterAll(async () => {
      await sidecar.kill("SIGKILL");
    });

    test.for(WAYS)("row 30: no caller of the API is cut off or lied to, by %s", async (way, context) => {
      skipWithoutFamily(context, lab, family);
      const { outside } = await readApiPorts(lab);
      await using attacker = await startAttack(lab, "resets", way, "eth0", "18080", String(outside));
      expect(await failedCalls(family)).toEqual([]);
      await expect.poll(() => attacker.lines.length).toBeGreaterThan(1);
    });

    test.for(WAYS)("row 30: each denial is told over the webhook, by %s", async (way, context) => {
      skipWithoutFamily(context, lab, family);
      await using attacker = await startAttack(lab, "resets", way, "eth0", String(HOOK_PORT));
      const before = events(receiver);
      for (let n = 1; n <= 4; n++) {
        await lab.dig(`${way}-${n}-${defaultAction}.denied.example.org`);
        await until("the denial is told", () => events(receiver) >= before + n);
      }
      await expect.poll(() => attacker.lines.length).toBeGreaterThan(1);
    });

    test("row 30: no forged ICMP error ends a connection to the webhook", async (context) => {
      skipWithoutFamily(context, lab, family);
      await using attacker = await startAttack(lab, "resets", "unreachable", "eth0", String(HOOK_PORT));
      const before = events(receiver);
      await duringSilence(HOOK_PORT, async () => {
        await lab.dig(`unreachable-${defaultAction}.denied.example.org`);
        await until("an error is forged", () => attacker.lines.length > 1);
      });
      await until("the denial is told", () => events(receiver) > before);
      expect(attacker.lines.slice(1).map(({ result }) => result)).toEqual(
        attacker.lines.slice(1).map(() => "EPERM"),
      );
    });
  });
});
