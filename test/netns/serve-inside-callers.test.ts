/**
 * Who calls from inside is said by the kernel, whatever source address is used: also one that no interface
 * seems to have.
 */
import { existsSync } from "node:fs";
import { expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";

const RULE = JSON.stringify([{ action: "allow", target: "one.example.org" }]);

const HAS_IPV6 = existsSync("/proc/sys/net/ipv6");

/**
 * One call from a source address, which need not be any interface's: every process may bind so. Prints all of
 * the answer.
 */
const CALLER = `
import socket, sys
source, place, method, body = sys.argv[1:]
six = ":" in source
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET)
s.settimeout(10)
s.setsockopt(41 if six else 0, 78 if six else 15, 1)  # IPV6_FREEBIND, IP_FREEBIND
s.bind((source, 0))
s.connect((place, 18080))
s.send(f"{method} /policy HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\nContent-Length: {len(body)}\\r\\n\\r\\n{body}".encode())
print("".join(iter(lambda: s.recv(65536).decode(), "")))
`;

const lab = useLab();

async function callFrom(source: string, place: string, method: string, body = ""): Promise<string> {
  const { stdout, stderr } = await lab.asWorkload(["python3", "-c", CALLER, source, place, method, body]);
  return stdout + stderr;
}

/** The link that idle0 is an end of is there, up or down; its other end is down, so it has no carrier. */
const DOWN = ["ip", "link", "set", "idle0", "down"] as const;
const UP = ["ip", "link", "set", "idle0", "up"] as const;

const CASES = [
  [
    "of an interface that is down",
    "198.51.100.200",
    DOWN,
    ["ip", "addr", "add", "198.51.100.200/32", "dev", "idle0"],
  ],
  [
    "of an interface that is down",
    "2001:db8:ffff::200",
    DOWN,
    ["ip", "-6", "addr", "add", "2001:db8:ffff::200/128", "dev", "idle0", "nodad"],
  ],
  [
    "of a local route",
    "198.51.100.201",
    DOWN,
    ["ip", "route", "add", "local", "198.51.100.201/32", "dev", "lo"],
  ],
  [
    "of a local route",
    "2001:db8:ffff::201",
    DOWN,
    ["ip", "-6", "route", "add", "local", "2001:db8:ffff::201/128", "dev", "lo"],
  ],
  ["without carrier", "198.51.100.202", UP, ["ip", "addr", "add", "198.51.100.202/32", "dev", "idle0"]],
  [
    "without carrier",
    "2001:db8:ffff::202",
    UP,
    ["ip", "-6", "addr", "add", "2001:db8:ffff::202/128", "dev", "idle0", "nodad"],
  ],
] as const;

// The kernel takes such an address of IPv6 on any machine that has IPv6 at all: without it these cases are
// left out.
test.each(
  CASES.filter(([, address]) => HAS_IPV6 || !address.includes(":")).map(([what, address, link, argv]) => ({
    what,
    address,
    link,
    argv,
  })),
)(
  "a change from inside is refused without a token, also from an address $what: $address",
  async ({ address, link, argv }) => {
    await execIn(lab.sandbox, ["ip", "link", "add", "idle0", "type", "veth", "peer", "name", "idle1"]);
    expect(await execIn(lab.sandbox, link)).toMatchObject({ exitCode: 0 });
    expect(await execIn(lab.sandbox, argv)).toMatchObject({ exitCode: 0 });
    await using sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: "" } });
    const place = address.includes(":") ? "::1" : "127.0.0.1";
    expect(await callFrom(address, place, "GET")).toMatch(/^HTTP\/1\.1 200 /);
    expect(await callFrom(address, place, "PATCH", RULE)).toMatch(
      /^HTTP\/1\.1 403 [^]*OPENSANDBOX_EGRESS_TOKEN/,
    );
    expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ mode: "deny_all" });
  },
);

test("a change from inside is refused without a token, also while the only interface has no carrier", async () => {
  await using sidecar = await lab.startSidecar({ env: { OPENSANDBOX_EGRESS_TOKEN: "" } });
  const carrier = async (): Promise<string> =>
    (await execIn(lab.sandbox, ["cat", "/sys/class/net/eth0/carrier"])).stdout.trim();
  await execIn(lab.internet, ["ip", "link", "set", "eth0", "down"]);
  try {
    await until("the carrier is lost", async () => (await carrier()) === "0");
    for (const [source, place] of [
      ["192.0.2.2", "127.0.0.1"],
      ["192.0.2.2", "192.0.2.2"],
      ...(lab.ipv6 ? [["2001:db8::2", "::1"] as const] : []),
    ] as const) {
      expect(await callFrom(source, place, "PATCH", RULE)).toMatch(/^HTTP\/1\.1 403 /);
    }
  } finally {
    await execIn(lab.internet, ["ip", "link", "set", "eth0", "up"]);
  }
  await until("the carrier is back", async () => (await carrier()) === "1");
  expect(await callFrom("192.0.2.2", "127.0.0.1", "PATCH", RULE)).toMatch(/^HTTP\/1\.1 403 /);
  expect((await sidecar.api("GET", "/policy")).json()).toMatchObject({ mode: "deny_all" });
});
