/**
 * Upstreams that know different names and take different times: glibc straight at them beside glibc through
 * the sidecar. The outcome is the same wherever glibc waits for an upstream less long than we do; labels say
 * what each upstream does.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { execIn, writeResolvConf } from "../../src/netns/namespace.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { type OddUpstreams, startOddUpstreams } from "../support/odd-upstreams.ts";
import { startReceiver } from "../support/receiver.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";

const UPSTREAMS = ["a", "b", "c"].map((letter, i) => ({ letter, address: `203.0.113.${61 + i}` }));
const POLICY = { egress: [{ action: "allow", target: "*.example.org" }] };

/** Each name, and the server whose address glibc finds; undefined for none. */
const CASES = [
  ["aok-bnx", 1],
  ["aok500-bnx", 1],
  ["aok1200-bnx", 1],
  ["aok700-bnd", 1],
  ["anx-bok", undefined],
  ["and-bok", undefined],
  ["anx-bnx", undefined],
  ["asf-bok", 2],
  ["arf-bok400", 2],
  ["ano-bok", 2],
  ["alm-bok", 2],
  ["alm-bnx", undefined],
  ["ano-bnx-cok", undefined],
  ["asf-bok700-cnx", 2],
  ["asf400-bok700-cnx", 2],
  ["arf-blm-cok", 3],
  ["alm-bsf-cok500", 3],
  ["asf-bsf-csf", undefined],
] as const;

let lab: Lab;
let odd: OddUpstreams;
beforeAll(async () => {
  lab = await createLab();
  odd = await startOddUpstreams(lab.internet, UPSTREAMS);
});
afterAll(async () => {
  await odd[Symbol.asyncDispose]();
  await lab[Symbol.asyncDispose]();
});

async function resolveByGlibc(name: string): Promise<string | undefined> {
  const { stdout } = await execIn(lab.sandbox, ["getent", "ahostsv4", name]);
  return stdout.split(/\s/)[0] === "" ? undefined : stdout.split(/\s/)[0];
}

async function start(env: Readonly<Record<string, string>> = {}): Promise<Sidecar> {
  return lab.startSidecar({
    policy: POLICY,
    env: {
      OPENSANDBOX_EGRESS_POLICY_FILE: undefined,
      OPENSANDBOX_EGRESS_DNS_UPSTREAM: UPSTREAMS.map(({ address }) => address).join(","),
      ...env,
    },
  });
}

describe("glibc finds the same", () => {
  const through = new Map<string, string | undefined>();
  const straight = new Map<string, string | undefined>();
  const names = (prefix: string): readonly [string, string][] =>
    CASES.map(([label]) => [label, `${label}.${prefix}.example.org`]);

  beforeAll(async () => {
    // Some never answer: glibc goes on to the next after this time.
    const lines = UPSTREAMS.map(({ address }) => `nameserver ${address}`).join("\n");
    await writeResolvConf(lab.sandbox, `${lines}\noptions timeout:4 attempts:1\n`);
    await Promise.all(
      names("straight").map(async ([label, name]) => straight.set(label, await resolveByGlibc(name))),
    );
    await using _sidecar = await start();
    await Promise.all(
      names("through").map(async ([label, name]) => through.set(label, await resolveByGlibc(name))),
    );
  });

  test.each(CASES)("of %s", (label, server) => {
    const address = server === undefined ? undefined : `198.51.100.${server}`;
    expect({ straight: straight.get(label), through: through.get(label) }).toEqual({
      straight: address,
      through: address,
    });
  });
});

test("a workload's slow names take no upstream from other names", async () => {
  await using sidecar = await start();
  const slow = Array.from({ length: 12 }, (_, i) => `ano-bno-cno.slow${i}.example.org`);
  await Promise.all(slow.map(async (name) => lab.dig("+time=6", "+tries=1", name, "A")));
  expect(await lab.dig("aok-bnx.after.example.org", "A")).toMatchObject({ addresses: ["198.51.100.1"] });
  const { text } = await sidecar.api("GET", "/status");
  expect(text).not.toContain('"alive":false');
});

describe("upstreams that do not get along with mixed case or EDNS", () => {
  test.each(["acn", "acs", "ace", "acf", "aef", "aes"])(
    "%s: each name is found, and the upstream is remembered",
    async (label) => {
      await using _sidecar = await start();
      const name = (i: number): string => `${label}-bno-cno.odd${i}.example.org`;
      expect(await lab.dig(name(0), "A")).toMatchObject({ rcode: "NOERROR", addresses: ["198.51.100.1"] });
      expect(await lab.dig(name(1), "A")).toMatchObject({ rcode: "NOERROR", addresses: ["198.51.100.1"] });
      await until(
        "the second was asked once",
        () => odd.queries(`${label}-bno-cno.odd1.example.org`).length > 0,
      );
      const asked = odd.queries(name(1)).filter(({ server }) => server === "a");
      expect(asked).toMatchObject([label.startsWith("ac") ? { mixed: false } : { edns: false }]);
    },
  );
});

test("an answer over UDP that is longer than we take is fetched over TCP", async () => {
  await using _sidecar = await start();
  const answer = await lab.dig("abg-bno-cno.example.org", "A");
  expect(answer).toMatchObject({ rcode: "NOERROR", addresses: ["198.51.100.1"] });
  expect(odd.queries("abg-bno-cno.example.org").some(({ tcp }) => tcp)).toBe(true);
});

test.each(["aef-bnx-cnx", "aes-bno-cno", "aok1100-bnx-cnx", "alm-bok-cnx", "abg-bno-cno"])(
  "the deny webhook finds its host by upstreams of which %s",
  async (label) => {
    await using receiver = await startReceiver(lab.internet, { port: 9090 });
    await using _sidecar = await start({
      OPENSANDBOX_EGRESS_DENY_WEBHOOK: `http://${label}.example.net:9090/denied`,
    });
    await lab.dig("secret.example.com", "A");
    await until("the denial arrives", () => receiver.requests().length > 0);
    expect(receiver.requests()[0]?.body.toString()).toContain("secret.example.com");
  },
);
