/**
 * What a hostile workload can still do: each test shows that the attack works today. When one fails the gap
 * is closed; then it moves to the file of its row, turned round, and out of the table "Open" of SECURITY.md.
 */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { configure, HERE, readSysctl } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { startJsonServer } from "../support/json-server.ts";
import { skipBecause } from "../support/skip.ts";
import { LONG_MS } from "../support/limits.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, attackArgv, leaksOf, POLICY, startAttack } from "./attack.ts";

const FORGED = "203.0.113.66";
/** More than this are not made to show it. */
const MOST_FLOWS = 300_000;

const lab = useLab({ per: "test" });

test("known gap: row 22: without signed writes a token read off the wire changes the policy", async () => {
  await writeFile(join(lab.stateFolder, "rules", "deny.always"), "203.0.113.99\n");
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await using sniffer = await startAttack(lab, "sniff", "eth0", "OPENSANDBOX-EGRESS-AUTH");
  await lab.curlFromOutside(
    "-H",
    `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`,
    "http://192.0.2.2:18080/policy",
  );
  const seen = await until("the token is seen", () => sniffer.lines.find(({ event }) => event === "seen"));
  const { value } = z.object({ value: z.string() }).parse(seen);
  const body = JSON.stringify([{ action: "allow", target: "203.0.113.0/24" }]);
  const call = ["-X", "PATCH", "-H", `OPENSANDBOX-EGRESS-AUTH: ${value}`, "-d", body];
  expect(await lab.curl(...call, "http://127.0.0.1:18080/policy")).toMatchObject({ status: 200 });
  expect(await attack(lab, "everyday", "ports", "203.0.113.98", "80")).toMatchObject({
    "tcp 80": "connected",
  });
  // Never past the operator's own denials. What still leaves is the end of the connection above.
  const frames = await lab.canary.during(() => attack(lab, "everyday", "reach", "203.0.113.99"));
  expect(frames.filter(({ destination }) => destination === "203.0.113.99")).toEqual([]);
});

test("known gap: row 24: answers of a resolver on loopback can be forged by raw sockets", async () => {
  const argv = attackArgv("loopback_resolver", ["127.0.0.11", "53", "198.51.100.20", "200"]);
  await using _ = await startJsonServer(lab.sandbox, argv);
  const env = { OPENSANDBOX_EGRESS_DNS_UPSTREAM: "127.0.0.11" };
  const sidecar = await lab.startSidecar({ policy: POLICY, env });
  expect(sidecar.logs()).toContainEqual(
    expect.objectContaining({ level: "warn", protection: "loopback-answers", state: "off" }),
  );
  await using forger = await startAttack(lab, "forge_answers", "lo", FORGED, "2001:db8:100:ee::66");
  expect(forger.lines[0]).toMatchObject({ event: "ready" });
  expect(await lab.dig("forged.wild.example.org")).toMatchObject({ addresses: [FORGED] });
  expect(await readAddresses(lab.sandbox, "dyn_allow_v4")).toContain(FORGED);
});

test("known gap: row 10: flows on lo that are answered leave no room for any other", async (context) => {
  const most = Number(await readSysctl(HERE, "net.netfilter.nf_conntrack_max"));
  if (!(most <= MOST_FLOWS)) skipBecause(context, `this machine has room for more than ${MOST_FLOWS} flows`);
  const sidecar = await lab.startSidecar({ policy: POLICY });
  await using crowd = await startAttack(lab, "crowd", "answered-flows", String(most + 1000));
  await until("the flows are there", () => crowd.lines.some(({ event }) => event === "full"), LONG_MS);
  // A place that becomes free lets one lookup through now and then.
  await until("a lookup has no answer", async () => {
    const { rcode } = await lab.dig("+tries=1", "+time=1", "one.example.org");
    return rcode === undefined;
  });
  await until("health tells it", async () => {
    const { status, text } = await sidecar.api("GET", "/healthz");
    return status === 503 && text.includes("does not answer");
  });
  // What is denied stays so, and the operator's own way goes on.
  expect(await leaksOf(lab, () => attack(lab, "everyday", "reach", "203.0.113.66"))).toEqual([]);
  expect(await sidecar.api("PATCH", "/policy", { body: [{ target: "two.example.org" }] })).toMatchObject({
    status: 200,
  });
});

test.for(FAMILIES)(
  "known gap: row 6: what is for an allowed host is handed to a denied neighbour, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const isFour = family.name === "IPv4";
    const [neighbour, allowed] = isFour
      ? ["192.0.2.77", "198.51.100.7"]
      : ["2001:db8::77", "2001:db8:100::7"];
    const mac = "02:00:00:00:00:77";
    await configure(lab.sandbox, [`neigh replace ${neighbour} lladdr ${mac} dev eth0 nud permanent`]);
    await lab.startSidecar({ policy: { egress: [{ action: "allow", target: allowed }] } });
    const frames = await lab.canary.during(() =>
      attack(lab, "raw_ip", "by-neighbour", family.sandbox, neighbour, allowed),
    );
    expect(frames).toContainEqual(expect.objectContaining({ destination: allowed, mac }));
    // Whatever is for the neighbour itself.
    expect(frames.filter(({ destination }) => destination === neighbour)).toEqual([]);
  },
);
