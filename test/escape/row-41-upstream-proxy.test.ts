/**
 * Row 41: the connections of the sidecar to an upstream proxy, disturbed by a workload with raw sockets; and
 * the proxy, asked by the workload itself. That these ways work without a sidecar is shown by rows 1, 5, 30
 * and 31, whose programs they are.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { API } from "../support/bound-hosts.ts";
import { FAMILIES, type Family, skipWithoutFamily, urlOf } from "../support/families.ts";
import {
  AUTH,
  NAMELESS,
  PLAIN_PORT,
  PROXY_NAME,
  TLS_PORT,
  useProxiedHosts,
  V4_PROXY,
  V6_PROXY,
} from "../support/proxied-hosts.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { attack, deniedAddress, expectRefused, macOf, startAttack } from "./attack.ts";

const { on, start, asked, straysDuring } = useProxiedHosts();
const { lab } = on;
const REQUESTS = 4;

describe.each(FAMILIES)("a proxy at an address, $name", (family: Family) => {
  const { flag, sandbox: own, upstream: proxy } = family;
  let sidecar: Sidecar;
  let bundle: string;
  beforeAll(async () => {
    if (family.name === "IPv6" && !lab.ipv6) return;
    sidecar = await start(family.name === "IPv4" ? V4_PROXY : V6_PROXY);
    await on.bind(sidecar, [API]);
    bundle = on.bundle(sidecar);
  });
  beforeEach((context) => skipWithoutFamily(context, lab, family));
  afterAll(() => sidecar[Symbol.asyncDispose]());

  /** What the proxy leads to is served: passed on by an address, and read, with its secret. */
  async function serves(): Promise<void> {
    for (let request = 0; request < REQUESTS; request += 1) {
      expect(await on.status(urlOf(family.nameless))).toBe("200");
      expect(await on.status(`https://${API}/`, flag, "--cacert", bundle)).toBe("200");
    }
  }

  test.each(["far", "own", "provoked", "answer", "inject"])(
    "row 41: forged segments in the sidecar's connection do not leave, nor reach it, by %s",
    async (way) => {
      const before = asked().length;
      await using forger = await startAttack(lab, "resets", way, "eth0", String(PLAIN_PORT));
      expect(await straysDuring(serves)).toEqual([]);
      const told = await until("it has tried", () => forger.lines.find(({ event }) => event === "sent"));
      expect(told["result"]).toBe("Operation not permitted");
      expect(
        asked()
          .slice(before)
          .filter((target) => target.includes("evil")),
      ).toEqual([]);
    },
  );

  test("row 41: nor as frames", async () => {
    const gateway = await macOf(lab.internet);
    await using forger = await startAttack(lab, "resets", "framed", "eth0", String(PLAIN_PORT), gateway);
    await serves();
    const told = await until("it has tried", () => forger.lines.find(({ event }) => event === "sent"));
    expect(told["result"]).toBe("No buffer space available");
  });

  test("row 41: the workload itself reaches the proxy by no socket and no packet, nor speaks in its name", async () => {
    const before = asked().length;
    const frames = await lab.canary.during(async () => {
      const denied = deniedAddress(family, 41);
      expectRefused(await attack(lab, "past_proxy", "send", own, proxy, String(PLAIN_PORT), denied));
    });
    expect(frames.filter(({ sourcePort }) => sourcePort === 999)).toEqual([]);
    expect(frames.filter(({ source, sourcePort }) => source === proxy && sourcePort === PLAIN_PORT)).toEqual(
      [],
    );
    expect(asked().slice(before)).toEqual([]);
    await serves();
  });

  test("row 41: nobody believes the workload that it is the proxy", async () => {
    const neighbourOf = async (): Promise<string> =>
      (await execIn(lab.sandbox, ["ip", "neigh", "show", proxy])).stdout;
    await serves();
    const mac = await macOf(lab.internet);
    expect(await neighbourOf()).toContain(mac);
    const denied = deniedAddress(family, 42);
    const outcome =
      family.name === "IPv4"
        ? await attack(lab, "neighbours", "arp", "eth0", own, proxy)
        : await attack(lab, "neighbours", "send", own, own, proxy, denied);
    expect(Object.values(outcome).filter((result) => !["EPERM", "ENOBUFS"].includes(result))).toEqual([]);
    expect(await neighbourOf()).toContain(mac);
    await serves();
  });
});

const ask = (): Promise<string> => on.status(urlOf(NAMELESS));

test("row 41: over https its credentials cannot be read off the network; over http they can, which open.md says", async () => {
  await using reader = await startAttack(lab, "sniff", "eth0", "proxy-authorization");
  {
    await using _sidecar = await start(`https://${PROXY_NAME}:${TLS_PORT}`);
    expect(await ask()).toBe("200");
  }
  const before = asked().length;
  await using _sidecar = await start(V4_PROXY);
  expect(await ask()).toBe("200");
  const seen = await until("it has read one", () => {
    const found = reader.lines.filter(({ event }) => event === "seen");
    return found.length > 0 && found;
  });
  // None of the first sidecar's, which was there before.
  expect(seen.map(({ value }) => value)).toEqual(
    asked()
      .slice(before)
      .map(() => AUTH),
  );
});
