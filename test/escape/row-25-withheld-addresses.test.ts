/**
 * Row 25: the owner of an allowed name answers with the gateway's address, the sandbox's own, or one of the
 * link that is no host's.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { type Lab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, expectRefused, POLICY, startAccomplice } from "./attack.ts";

const HOSTILE = { IPv4: "203.0.113.54", IPv6: "2001:db8:100:54::54" } as const;
/** A database beside the sandbox, say. */
const NEIGHBOUR = { IPv4: "192.0.2.9", IPv6: "2001:db8::9" } as const;
const OCTETS = {
  IPv4: { gateway: "c0000201", own: "c0000202", neighbour: "c0000209", nobody: ["c0000200", "c00002ff"] },
  IPv6: {
    gateway: "20010db8000000000000000000000001",
    own: "20010db8000000000000000000000002",
    neighbour: "20010db8000000000000000000000009",
    nobody: ["20010db8000000000000000000000000"],
  },
} as const;

describe.each(FAMILIES)("$name", (family) => {
  const neighbour = NEIGHBOUR[family.name];
  const octets = OCTETS[family.name];
  const lab = useLab({ per: "test" });
  let made: AsyncDisposableStack;
  let sidecar: Sidecar;
  beforeEach(async (context) => {
    made = new AsyncDisposableStack();
    skipWithoutFamily(context, lab, family);
    made.use(await startAccomplice(lab, "hostile_upstream", HOSTILE[family.name]));
    await ip(
      lab.internet,
      "address",
      "add",
      `${neighbour}/${family.name === "IPv4" ? 24 : 64}`,
      "dev",
      "eth0",
    );
    const upstream = family.name === "IPv4" ? HOSTILE.IPv4 : `[${HOSTILE.IPv6}]:53`;
    sidecar = await lab.startSidecar({ policy: POLICY, env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstream } });
  });
  afterEach(() => made.disposeAsync());

  const ip = (where: Lab["sandbox"], ...args: readonly string[]) =>
    requireCommand(argvIn(where, ["ip", family.name === "IPv4" ? "-4" : "-6", ...args]));
  const addRoute = (...to: readonly string[]) =>
    ip(lab.sandbox, "route", "add", deniedAddress(family, 200), "table", "77", ...to);
  const ask = (given: string) => lab.dig("-t", family.qtype, `give-${given}.wild.example.org`);
  const learned = () => readAddresses(lab.sandbox, `dyn_allow_${family.set}`);
  const reach = (address: string) => attack(lab, "everyday", "ports", address, "8080");
  const change = (method: string, body: unknown) => sidecar.api(method, "/policy", { body });

  test("row 25: the gateway's address is not given, nor opened, unless an address rule allows it", async () => {
    expect((await ask(octets.gateway)).addresses).toEqual([]);
    expect(await learned()).toEqual([]);
    expectRefused(await reach(family.upstream));
    const rules = [{ action: "allow", target: family.upstream }];
    expect(await change("PATCH", rules)).toMatchObject({ status: 200 });
    expect((await ask(octets.gateway)).addresses).toEqual([family.upstream]);
    expect(await reach(family.upstream)).toMatchObject({ "tcp 8080": "connected" });
    expect(await change("DELETE", [family.upstream])).toMatchObject({ status: 200 });
    expect(await learned()).toEqual([]);
    expect((await ask(octets.gateway)).addresses).toEqual([]);
    expectRefused(await reach(family.upstream));
  });

  test("row 25: nor are its own, and those of the link that are no host's", async () => {
    for (const given of [octets.own, ...octets.nobody]) {
      expect([given, (await ask(given)).addresses]).toEqual([given, []]);
    }
    expect(await learned()).toEqual([]);
  });

  test("row 25: an address that becomes a gateway's later, in whichever table, goes from answers and kernel", async () => {
    // Before, it is a neighbour like others.
    expect((await ask(octets.neighbour)).addresses).toEqual([neighbour]);
    expect(await reach(neighbour)).toMatchObject({ "tcp 8080": "connected" });
    await addRoute("via", neighbour);
    await until("it is forgotten", async () => (await learned()).length === 0);
    expect((await ask(octets.neighbour)).addresses).toEqual([]);
    expectRefused(await reach(neighbour));
    // It may call in: it is no host of a denied name.
    expect(await readAddresses(lab.sandbox, `revoked_${family.set}`)).toEqual([]);

    await ip(lab.sandbox, "route", "flush", "table", "77");
    await until("it is a neighbour again", async () => (await ask(octets.neighbour)).addresses.length > 0);
    expect(await reach(neighbour)).toMatchObject({ "tcp 8080": "connected" });
  });

  test("row 25: so does one of many next hops", async () => {
    expect((await ask(octets.neighbour)).addresses).toEqual([neighbour]);
    await addRoute("nexthop", "via", family.upstream, "nexthop", "via", neighbour);
    await until("it is forgotten", async () => (await learned()).length === 0);
    expect((await ask(octets.neighbour)).addresses).toEqual([]);
  });
});
