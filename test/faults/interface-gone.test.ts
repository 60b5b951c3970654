/**
 * The sandbox's only interface goes, and comes back: what guards it and what is on its link are in force
 * again, and upstreams are reached.
 */
import { beforeAll, expect, test } from "vitest";
import { configure, execIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { FAMILIES, urlOf } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { INTERNET_V4, INTERNET_V6, type Lab, SANDBOX_V4, SANDBOX_V6 } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const POLICY = { egress: [{ action: "allow", target: "one.example.org" }] };

const lab = useLab();
let sidecar: Sidecar;
beforeAll(async () => {
  sidecar = await lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM_TIMEOUT: "1" },
  });
});

async function isGuarded(): Promise<boolean> {
  const { stdout } = await execIn(lab.sandbox, ["nft", "list", "table", "netdev", "opensandbox_guard"]);
  return stdout.includes('"eth0"');
}

async function isOnLink(): Promise<boolean> {
  return (await readAddresses(lab.sandbox, "onlink_v4")).includes("192.0.2.0/24");
}

/** There is no route to the address in resolv.conf then. */
const askLoopback = (qname: string, qtype: string): ReturnType<Lab["dig"]> =>
  lab.dig("@127.0.0.1", qname, qtype);

async function bringBack(): Promise<void> {
  await configure(lab.internet, [`link set gone netns ${lab.sandbox.name} name eth0`]);
  await configure(lab.sandbox, [
    "link set eth0 up",
    `addr add ${SANDBOX_V4}/24 dev eth0`,
    `route add default via ${INTERNET_V4}`,
    ...(lab.ipv6
      ? [`addr add ${SANDBOX_V6}/64 dev eth0 nodad`, `route add default via ${INTERNET_V6} dev eth0`]
      : []),
  ]);
}

test("without the interface lookups fail and the sidecar goes on; with it all is as before", async () => {
  const families = FAMILIES.filter(({ name }) => name === "IPv4" || lab.ipv6);
  expect(await isGuarded()).toBe(true);
  expect(await isOnLink()).toBe(true);

  await configure(lab.sandbox, [`link set eth0 netns ${lab.internet.name} name gone`]);
  await until("nothing is on the link", async () => !(await isOnLink()));
  for (const { qtype } of families) {
    expect(await askLoopback("one.example.org", qtype)).toMatchObject({ rcode: "SERVFAIL" });
  }
  // What is denied is denied without an upstream.
  expect(await askLoopback("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
  expect(await sidecar.api("PATCH", "/policy", { body: POLICY.egress })).toMatchObject({ status: 200 });

  await bringBack();
  await until(
    "it is guarded, and its prefixes are known",
    async () => (await isGuarded()) && (await isOnLink()),
  );
  for (const { qtype, one, nameless } of families) {
    await until(
      "the name is found",
      async () => (await lab.dig("one.example.org", qtype)).rcode === "NOERROR",
    );
    expect(await lab.curl(...urlAt(one, "http://one.example.org/"))).toMatchObject({ status: 200 });
    expect(await lab.curl(urlOf(nameless))).toMatchObject({ exitCode: 7 });
  }
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
});
