/**
 * Behind a switch that snoops multicast the sandbox is found as long as it tells which groups it listens to
 * (RFC 4541 section 3, RFC 3810).
 */
import { afterAll, beforeAll, expect, test } from "vitest";
import { configure } from "../../src/netns/namespace.ts";
import { startJsonServer } from "../support/json-server.ts";
import { createLab, type Lab, SANDBOX_V6 } from "../support/lab.ts";
import { probe, probeFromOutside, PROBE_SCRIPT } from "../support/probe.ts";
import { skipBecause } from "../support/skip.ts";
import { createSnoopingSwitch, type SnoopingSwitch } from "../support/snooping-switch.ts";
import { until } from "../support/until.ts";
import { workloadArgv } from "../support/workload.ts";

/** An allowed address beyond the router. */
const ALLOWED = "2001:db8:100::1";
const PORT = "9080";
/** To whom neighbours call for 2001:db8::2 (RFC 4291 section 2.7.1). */
const GROUP_OF_SANDBOX = "ff02::1:ff00:2";

let link: SnoopingSwitch;
let lab: Lab;
beforeAll(async () => {
  link = createSnoopingSwitch();
  lab = await createLab({ joinThrough: link.join });
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

async function forgetNeighbours(): Promise<void> {
  for (const namespace of [lab.sandbox, lab.internet]) await configure(namespace, ["neigh flush dev eth0"]);
}

test("callers from the link and allowed addresses are reached once old memberships have run out", async (context) => {
  if (!lab.ipv6) skipBecause(context, "this machine has no IPv6");
  await until("the switch knows the sandbox", async () => (await link.groups()).includes(GROUP_OF_SANDBOX));
  await lab.startSidecar({ policy: { egress: [{ action: "allow", target: ALLOWED }] } });
  await using _server = await startJsonServer(
    lab.sandbox,
    workloadArgv(["python3", PROBE_SCRIPT, "serve", "web", `${SANDBOX_V6},${PORT}`]),
  );
  await link.membershipsRunOut();
  await link.membershipsRunOut();
  expect(await link.groups()).toContain(GROUP_OF_SANDBOX);
  await forgetNeighbours();
  expect(await probeFromOutside(lab, "tcp", SANDBOX_V6, PORT, "get")).toMatchObject({ result: "web get" });
  await forgetNeighbours();
  expect(await probe(lab, "tcp", ALLOWED, "80")).toMatchObject({ result: "connected" });
});
