/**
 * The image does for a workload's container what the sidecar promises: through changes, SIGKILL and restart,
 * with IPv6 and with it switched off by the sysctl that the OpenSandbox server gives.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { CurlAnswer } from "../support/curl.ts";
import { OTHER_RESOLVER_V4 } from "../support/lab.ts";
import { promised } from "../support/limits.ts";
import { skipBecause } from "../support/skip.ts";
import { useLab } from "../support/use-lab.ts";
import type { SidecarContainer, WorkloadContainer } from "./containers.ts";
import { startSidecarContainer, startWorkloadContainer } from "./containers.ts";

const WITHOUT_IPV6 = ["--sysctl", "net.ipv6.conf.all.disable_ipv6=1"];
const CLOSED_V4 = ["198.51.100.9", "203.0.113.9"];
const CLOSED_V6 = ["2001:db8:100::9"];
const NET_ADMIN_BIT = 1n << 12n;
const NET_RAW_BIT = 1n << 13n;

describe.each([
  { title: "with IPv6", ipv6: true },
  { title: "without IPv6", ipv6: false },
])("$title", ({ ipv6 }) => {
  const lab = useLab();
  let sidecar: SidecarContainer;
  let workload: WorkloadContainer;
  beforeAll(async () => {
    sidecar = await startSidecarContainer(lab, {
      policy: { egress: [{ action: "allow", target: "one.example.org" }] },
      env: { OPENSANDBOX_EGRESS_POLICY_FILE: "/var/egress/policy.json" },
      options: ipv6 ? [] : WITHOUT_IPV6,
    });
    workload = await startWorkloadContainer(sidecar);
  });
  afterAll(async () => {
    await sidecar?.[Symbol.asyncDispose]();
  });
  beforeEach((context) => {
    if (ipv6 && !lab.ipv6) skipBecause(context, "this machine has no IPv6");
  });

  test("it is healthy within seconds", () => {
    const [start, program] = [Math.round(sidecar.startMs), Math.round(sidecar.programMs)];
    process.stdout.write(
      `image: healthy ${start} ms after podman start, ${program} ms after the program's\n`,
    );
    expect(sidecar.startMs).toBeLessThan(promised(10_000));
  });

  test("the workload has the default capabilities and the network as it was asked for", async () => {
    const status = await workload.exec(["cat", "/proc/self/status"]);
    const capabilities = BigInt(`0x${/CapEff:\s+(\S+)/.exec(status.stdout)?.[1] ?? ""}`);
    expect(capabilities & NET_RAW_BIT).toBe(NET_RAW_BIT);
    expect(capabilities & NET_ADMIN_BIT).toBe(0n);
    const setting = await workload.exec(["cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"]);
    expect(setting.stdout.trim()).toBe(ipv6 ? "0" : "1");
  });

  test("an allowed name is fetched", async () => {
    expect(await workload.curl("http://one.example.org/")).toMatchObject({ status: 200 });
    const v4 = await workload.curl("-4", "http://one.example.org/");
    expect(v4).toMatchObject({ body: "hello from 198.51.100.1\n" });
    if (!ipv6) return;
    const v6 = await workload.curl("-6", "http://one.example.org/");
    expect(v6).toMatchObject({ body: "hello from 2001:db8:100::1\n" });
  });

  test("a denied name is refused, and upstream does not hear of it", async () => {
    expect(await workload.dig("two.example.org", "A")).toMatchObject({ rcode: "NXDOMAIN" });
    expect(await workload.dig("+tcp", `@${OTHER_RESOLVER_V4}`, "two.example.org")).toMatchObject({
      rcode: "NXDOMAIN",
    });
    expect(await workload.curl("http://two.example.org/")).toMatchObject({ exitCode: 6 });
    expect(lab.upstream.questions().filter(({ qname }) => qname === "two.example.org")).toEqual([]);
  });

  test("an address that no rule allows is refused", async () => {
    expect(await findOpenAddresses()).toEqual([]);
  });

  test("the workload cannot change the rules, nor the policy without the token", async () => {
    expect((await workload.exec(["nft", "flush", "ruleset"])).exitCode).not.toBe(0);
    const answer = await workload.curl(
      "-X",
      "DELETE",
      "http://127.0.0.1:18080/policy",
      "-d",
      '["one.example.org"]',
    );
    expect(answer).toMatchObject({ status: 401 });
  });

  test("PATCH opens a name and denies another", async () => {
    const rules = [
      { action: "allow", target: "two.example.org" },
      { action: "deny", target: "one.example.org" },
    ];
    expect(await sidecar.api("PATCH", "/policy", rules)).toMatchObject({ status: 200 });
    expect(await workload.curl("http://two.example.org/")).toMatchObject({ status: 200 });
    expect(await workload.curl("http://one.example.org/")).toMatchObject({ exitCode: 6 });
    const learned = await workload.curl(
      "--resolve",
      "one.example.org:80:198.51.100.1",
      "http://one.example.org/",
    );
    expect(learned).toMatchObject({ exitCode: 7 });
  });

  test("SIGKILL leaves it closed", async () => {
    await sidecar.kill();
    expect(await workload.curl("--max-time", "3", "http://three.example.org/")).toMatchObject({ status: 0 });
    expect(await workload.dig(`@${OTHER_RESOLVER_V4}`, "three.example.org")).toMatchObject({
      rcode: undefined,
    });
    expect(await findOpenAddresses()).toEqual([]);
  });

  test("a restart enforces again, with the policy of the last change", async () => {
    await sidecar.start();
    expect(await workload.curl("http://two.example.org/")).toMatchObject({ status: 200 });
    expect(await workload.curl("http://one.example.org/")).toMatchObject({ exitCode: 6 });
    expect(await findOpenAddresses()).toEqual([]);
  });

  test("all the while nothing left for an address or a resolver that the policy does not allow", async () => {
    const frames = await lab.canary.frames();
    const destinations = frames.map(({ destination }) => destination);
    expect(destinations).toContain("198.51.100.1");
    const closed = [...CLOSED_V4, ...CLOSED_V6, OTHER_RESOLVER_V4];
    expect(closed.filter((address) => destinations.includes(address))).toEqual([]);
  });

  /** The outcomes of connecting to addresses that no rule speaks of, other than a refusal. */
  async function findOpenAddresses(): Promise<readonly CurlAnswer[]> {
    const hosts = [...CLOSED_V4, ...(ipv6 ? CLOSED_V6.map((address) => `[${address}]`) : [])];
    const answers: CurlAnswer[] = [];
    for (const host of hosts) answers.push(await workload.curl(`http://${host}/`));
    return answers.filter(({ exitCode }) => exitCode !== 7);
  }
});
