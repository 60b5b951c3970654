/**
 * Row 7: answers forged in an upstream's name. Rows 9 and 25: what the owner of an allowed name may answer.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { type Lab } from "../support/lab.ts";
import type { Sidecar } from "../support/sidecar.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, expectRefused, POLICY, startAccomplice, startAttack } from "./attack.ts";

const HOSTILE = { IPv4: "203.0.113.54", IPv6: "2001:db8:100:54::54" } as const;
const FORGED = { IPv4: "203.0.113.66", IPv6: "2001:db8:100:ee::66" } as const;
const EVIL: readonly string[] = ["203.0.113.90", "2001:db8:100:ee::90"];

/** Never in answers, by default. The second of each is the same inside an address of the other family. */
const NEVER = {
  IPv4: ["a9fea9fe", "7f000001", "7f0000ff", "00000000", "e0000001", "ffffffff", "f0000001", "a9fe0101"],
  IPv6: [
    "00000000000000000000000000000001",
    "00000000000000000000000000000000",
    "fe800000000000000000000000000001",
    "fec00000000000000000000000000001",
    "ff020000000000000000000000000001",
    "00000000000000000000ffff7f000001",
    "00000000000000000000ffffa9fea9fe",
    "00000000000000000000ffffcb00715a",
    "0000000000000000000000007f000001",
    "0064ff9b0000000000000000a9fea9fe",
    "0064ff9b00010000000000007f000001",
    "20027f00000100000000000000000001",
    "2002a9fea9fe00000000000000000001",
  ],
} as const;
const OCTETS_OF_UPSTREAM = { IPv4: "cb007136", IPv6: "20010db8010000540000000000000054" } as const;
const PRIVATE = {
  IPv4: ["0a000001", "ac100001", "c0a80001", "64400001"],
  IPv6: ["fd000000000000000000000000000001", "0064ff9b00000000000000000a000001"],
} as const;

describe.each(FAMILIES)("$name", (family) => {
  const made = new AsyncDisposableStack();
  const lab = useLab();
  beforeAll(async () => {
    made.use(
      await startAccomplice(lab, "hostile_upstream", HOSTILE.IPv4, ...(lab.ipv6 ? [HOSTILE.IPv6] : [])),
    );
  });
  afterAll(async () => {
    await made.disposeAsync();
  });

  const startForger = () => startAttack(lab, "forge_answers", "eth0", FORGED.IPv4, FORGED.IPv6);
  const ask = (label: string) => lab.dig("-t", family.qtype, `${label}.wild.example.org`);
  const learned = () => readAddresses(lab.sandbox, `dyn_allow_${family.set}`);

  test("row 7: without a sidecar the forged answer wins", async (context) => {
    skipWithoutFamily(context, lab, family);
    await using _ = await startForger();
    const answer = await lab.dig(`@${HOSTILE[family.name]}`, "-t", family.qtype, "slow.wild.example.org");
    expect(answer.addresses).toEqual([FORGED[family.name]]);
  });

  describe("under the sidecar", () => {
    let sidecar: Sidecar;
    beforeAll(async () => {
      sidecar = await start(lab, family);
    });

    test("row 7: a lookup that is raced gets the right answer, and the forged address is not learned", async (context) => {
      skipWithoutFamily(context, lab, family);
      await using forger = await startForger();
      // Of lengths of their own: what goes out together in one frame shows the forger its first query only.
      const labels = Array.from({ length: 20 }, (_, n) => `slow${"x".repeat(n)}`);
      const answers = await Promise.all(labels.map(ask));
      await until("each is raced", () => forger.lines.filter(({ event }) => event === "forged").length >= 20);
      expect(new Set(answers.flatMap(({ addresses }) => addresses))).toEqual(new Set([family.wild]));
      expect(await learned()).toEqual([family.wild]);
    });

    test("row 9: addresses of the machine, the link and their disguises are not given, nor opened", async (context) => {
      skipWithoutFamily(context, lab, family);
      for (const octets of NEVER[family.name]) {
        expect([octets, (await ask(`give-${octets}`)).addresses]).toEqual([octets, []]);
      }
      expect(await learned()).toEqual([family.wild]);
    });

    test.for(["off-owner", "additional", "hints", "chain"])(
      "row 9: nothing is learned from %s records",
      async (label, context) => {
        skipWithoutFamily(context, lab, family);
        const answers = [await ask(label), await lab.dig("-t", "HTTPS", `${label}.wild.example.org`)];
        answers.push(await lab.dig("-t", "TYPE64", `${label}.wild.example.org`));
        // A chain may lead to a denied name: the name that was asked for is what the policy judges.
        const allowed = label === "chain" ? [family.wild, ...EVIL] : [family.wild];
        expect(allowed).toEqual(
          expect.arrayContaining([...new Set(answers.flatMap(({ addresses }) => addresses))]),
        );
        expect(answers[1]?.records).toEqual([]);
        expect(answers[2]?.records).toEqual([]);
        const opened = (await learned()).filter((address) => !allowed.includes(address));
        expect(opened).toEqual([]);
      },
    );

    test("row 9: of a crowd of addresses 512 are taken, and the resolver goes on", async (context) => {
      skipWithoutFamily(context, lab, family);
      const answer = await lab.dig("-t", family.qtype, "+tcp", "many.wild.example.org");
      expect(answer.addresses.length).toBe(512);
      expect((await learned()).length).toBeLessThanOrEqual(514);
      expect((await ask("after")).addresses).toEqual([family.wild]);
    });

    test("row 25: the upstream's own address is not given, nor opened", async (context) => {
      skipWithoutFamily(context, lab, family);
      expect((await ask(`give-${OCTETS_OF_UPSTREAM[family.name]}`)).addresses).toEqual([]);
      expectRefused(await attack(lab, "everyday", "ports", HOSTILE[family.name], "80", "853"));
    });

    test("row 25: private addresses are not given where the setting says so", async (context) => {
      skipWithoutFamily(context, lab, family);
      await sidecar.kill("SIGKILL");
      await start(lab, family, { OPENSANDBOX_EGRESS_PRIVATE_ANSWERS: "deny" });
      for (const octets of PRIVATE[family.name]) {
        expect([octets, (await ask(`give-${octets}`)).addresses]).toEqual([octets, []]);
      }
    });
  });
});

function start(lab: Lab, family: Family, env: Record<string, string> = {}): Promise<Sidecar> {
  return lab.startSidecar({
    policy: POLICY,
    env: { OPENSANDBOX_EGRESS_DNS_UPSTREAM: upstreamOf(family), ...env },
  });
}

function upstreamOf({ name }: Family): string {
  return name === "IPv4" ? HOSTILE.IPv4 : `[${HOSTILE.IPv6}]:53`;
}
