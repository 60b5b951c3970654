/**
 * Which addresses are the sandbox's own: what is sent to them goes over `lo`, whatever has become of their
 * interface.
 */
import { expect, test } from "vitest";
import { z } from "zod";
import { configure, createNamespace, execIn } from "../../src/netns/namespace.ts";
import { useLab } from "../support/use-lab.ts";
import { until } from "../support/until.ts";

const SOURCE = new URL("../../src/netfilter/io/namespace-network.ts", import.meta.url).href;
const READ = `const { readOwnAddresses } = await import("${SOURCE}"); console.log(JSON.stringify(readOwnAddresses()))`;

const lab = useLab({ per: "test" });

test("addresses of interfaces that are down, have no carrier or a far end of their own are own addresses", async () => {
  await using namespace = await createNamespace("own");
  const ipv6 = lab.ipv6;
  await configure(namespace, [
    "link set lo up",
    "link add down0 type veth peer name down1",
    "address add 192.0.2.7/32 dev down0",
    "link add bare0 type veth peer name bare1",
    "address add 192.0.2.8/24 dev bare0",
    "link set bare0 up",
    "address add 192.0.2.9 peer 203.0.113.9 dev bare0",
    ...(ipv6 ? ["address add 2001:db8::7/128 dev down0", "address add 2001:db8::8/64 dev bare0"] : []),
  ]);
  const { stdout, stderr } = await execIn(namespace, [process.execPath, "--input-type=module", "-e", READ]);
  expect(stderr).toBe("");
  const own = z.array(z.string()).parse(JSON.parse(stdout));
  const v6 = ["::1", "2001:db8::7", "2001:db8::8"];
  expect(own).toEqual(expect.arrayContaining(["127.0.0.1", "192.0.2.7", "192.0.2.8", "192.0.2.9"]));
  expect(v6.filter((address) => own.includes(address))).toEqual(ipv6 ? v6 : []);
  expect(own).not.toContain("203.0.113.9");
});

test.each([
  ["is down", ["link set own0 down"]],
  ["has no carrier", ["link set own0 up", "link set own1 down"]],
])(
  "an upstream on an own address whose interface %s is told: its answers can be forged",
  async (_, links) => {
    await configure(lab.sandbox, [
      "link add own0 type veth peer name own1",
      "address add 198.51.100.53/32 dev own0",
      ...links,
    ]);
    const env = { OPENSANDBOX_EGRESS_DNS_UPSTREAM: "198.51.100.53" };
    await using sidecar = await lab.startSidecar({ env, awaitHealth: false });
    const told = { level: "warn", protection: "loopback-answers", state: "off" };
    await until("it is told", () =>
      sidecar.logs().some((line) => Object.entries(told).every(([key, value]) => line[key] === value)),
    );
    expect(sidecar.output()).toContain("may forge the answers of 198.51.100.53");
  },
);

test("an upstream's address that becomes one of the sandbox's own is told when it does, and when it no longer is", async () => {
  const address = "198.51.100.54";
  await using sidecar = await lab.startSidecar({
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: `192.0.2.1,${address}` },
  });
  const states = (): readonly unknown[] =>
    sidecar
      .logs()
      .filter((line) => line["protection"] === "loopback-answers")
      .map((line) => line["state"]);
  expect(states()).toEqual([]);
  await configure(lab.sandbox, [`address add ${address}/32 dev lo`]);
  await until("it is told", () => states().at(-1) === "off");
  await configure(lab.sandbox, [`address del ${address}/32 dev lo`]);
  await until("its end is told", () => states().at(-1) === "on");
});
