/** A sandbox whose only IPv4 address is localhost's, as in an IPv6 cluster. */
import { beforeAll, beforeEach, expect, test } from "vitest";
import { configure, execIn, hasIpv6, HERE, writeResolvConf } from "../../src/netns/namespace.ts";
import { INTERNET_V6, OTHER_RESOLVER_V6, SANDBOX_V6 } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";
import { RESOLVE_SECONDS } from "../support/limits.ts";

const API = `http://[${SANDBOX_V6}]:18080`;

const lab = useLab();
let sidecar: Sidecar;
beforeAll(async () => {
  if (!(await hasIpv6(HERE))) return;
  await configure(lab.sandbox, ["addr flush dev eth0 scope global to 192.0.2.0/24"]);
  // The lab's own removes the file.
  await writeResolvConf(
    lab.sandbox,
    `nameserver ${INTERNET_V6}\noptions timeout:${RESOLVE_SECONDS} attempts:1\n`,
  );
  sidecar = await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: "one.example.org" }] },
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: undefined },
  });
});
beforeEach(async (context) => {
  if (!(await hasIpv6(HERE))) skipBecause(context, "this machine has no IPv6");
});

test("the sandbox really has no IPv4", async () => {
  const { stdout } = await execIn(lab.sandbox, ["ip", "-4", "-o", "address"]);
  expect(stdout).toMatch(/^1: lo +inet 127\.0\.0\.1\/8 [^\n]*\n$/);
  expect((await execIn(lab.sandbox, ["ip", "-4", "route"])).stdout).toBe("");
});

test("it starts without a warning, and is healthy", async () => {
  expect(sidecar.logs().filter(({ level }) => level !== "info")).toEqual([]);
  expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200, text: "ok" });
});

test("its upstream, from resolv.conf, is asked over IPv6", async () => {
  for (const transport of ["+notcp", "+tcp"]) {
    expect(await lab.dig(transport, "one.example.org", "AAAA")).toMatchObject({
      addresses: ["2001:db8:100::1"],
    });
  }
  const asked = lab.upstream.questions();
  expect(asked.length).toBeGreaterThan(0);
  expect(new Set(asked.map(({ from }) => from))).toEqual(new Set([SANDBOX_V6]));
});

test("an allowed name is fetched", async () => {
  expect(await lab.curl("http://one.example.org/")).toMatchObject({
    body: "hello from 2001:db8:100::1\n",
  });
});

test("a denied name and an address without a name are refused, nothing of them leaves", async () => {
  const frames = await lab.canary.during(async () => {
    expect(await lab.dig("two.example.org", "AAAA")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await lab.curl("http://two.example.org/")).toMatchObject({ exitCode: 6 });
    expect(await lab.curl("http://[2001:db8:100::2]/")).toMatchObject({ exitCode: 7 });
    expect(await lab.dig(`@${OTHER_RESOLVER_V6}`, "two.example.org", "AAAA")).toMatchObject({
      rcode: "NXDOMAIN",
    });
  });
  const far = new Set(["2001:db8:100::2", OTHER_RESOLVER_V6]);
  expect(frames.filter(({ destination }) => far.has(destination ?? ""))).toEqual([]);
  expect(lab.upstream.questions().some(({ qname }) => qname.toLowerCase() === "two.example.org")).toBe(false);
});

test("the API is reached over IPv6, and a change is in force at once", async () => {
  expect(await lab.curlFromOutside(`${API}/healthz`)).toMatchObject({ status: 200, body: "ok" });
  expect(await lab.curlFromOutside(`${API}/policy`)).toMatchObject({ status: 401 });
  const token = `OPENSANDBOX-EGRESS-AUTH: ${sidecar.token}`;
  const rules = JSON.stringify([{ action: "allow", target: "two.example.org" }]);
  expect(
    await lab.curlFromOutside("-X", "PATCH", "-H", token, "--data", rules, `${API}/policy`),
  ).toMatchObject({ status: 200 });
  expect(await lab.curl("http://two.example.org/")).toMatchObject({ body: "hello from 2001:db8:100::2\n" });
});
