/** Who calls from inside is said by the kernel, whatever source address is used: also one that no interface seems to have. */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { useLab } from "../support/use-lab.ts";

const RULE = JSON.stringify([{ action: "allow", target: "one.example.org" }]);

const HAS_IPV6 = existsSync("/proc/sys/net/ipv6");

const lab = useLab();

const CASES = [
  [
    "of an interface that is down",
    "198.51.100.200",
    ["ip", "addr", "add", "198.51.100.200/32", "dev", "idle0"],
  ],
  ["of a local route", "198.51.100.201", ["ip", "route", "add", "local", "198.51.100.201/32", "dev", "lo"]],
  [
    "without carrier",
    "2001:db8:ffff::201",
    ["ip", "-6", "addr", "add", "2001:db8:ffff::201/128", "dev", "idle0", "nodad"],
  ],
] as const;

// The kernel takes such an address of IPv6 on any machine that has IPv6 at all: without it the third case is left out.
test.each(
  CASES.filter(([, address]) => HAS_IPV6 || !address.includes(":")).map(([what, address, argv]) => ({
    what,
    address,
    argv,
  })),
)(
  "a change from inside is refused without a token, also from an address $what: $address",
  async ({ address, argv }) => {
    await execIn(lab.sandbox, ["ip", "link", "add", "idle0", "type", "veth", "peer", "name", "idle1"]);
    if (address.includes(":")) await execIn(lab.sandbox, ["ip", "link", "set", "idle0", "up"]);
    expect(await execIn(lab.sandbox, argv)).toMatchObject({ exitCode: 0 });
    await using sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: "" } });
    const place = address.includes(":") ? "http://[::1]:18080/policy" : "http://127.0.0.1:18080/policy";
    const from = ["--interface", `host!${address}`, "--max-time", "10"];
    expect(await lab.curl(...from, place)).toMatchObject({ status: 200 });
    expect(await lab.curl(...from, "-X", "PATCH", "-d", RULE, place)).toMatchObject({
      status: 403,
      body: expect.stringContaining("OPENSANDBOX_EGRESS_TOKEN"),
    });
    expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ mode: "deny_all" });
  },
);
