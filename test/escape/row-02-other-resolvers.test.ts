/**
 * Row 2: another resolver by address. Row 3: names and messages in odd forms. Row 19: left-over flows of our
 * own lookups.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, leaksOf, type Outcome, POLICY, questionsOf } from "./attack.ts";

const DENIED = "secret.three.example.org";
const LARGE = "large.wild.example.org";

const lab = useLab({
  // Too large for a datagram: the sidecar asks again over TCP.
  zone: { [LARGE]: { text: Array.from({ length: 12 }, (_, n) => `${n}`.repeat(100)) } },
  upstream: {
    extra: ["--edns-packet-max=512", "--host-record=secret.three.example.org,198.51.100.3,2001:db8:100::3"],
  },
});

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  test("another resolver answers, from odd ports and to fragments", async (context) => {
    skipWithoutFamily(context, lab, family);
    let outcome: Outcome = {};
    const asked = await questionsOf(lab, async () => {
      outcome = await attack(lab, "lookups", "ask", family.otherResolver, DENIED, family.sandbox);
    });
    expect(asked.length).toBeGreaterThan(15);
    expect(outcome).toMatchObject({ udp: "answer 0 1", tcp: "answer 0 1", "fragments of 8": "answer 0 1" });
  });
});

describe("under the sidecar", () => {
  beforeAll(async () => {
    await lab.startSidecar({ policy: POLICY });
  });

  describe.each(FAMILIES)("$name", (family) => {
    test.for(["otherResolver", "upstream", "nameless"] as const)(
      "row 2: asking %s gets our denial, or nothing, and nothing leaves",
      async (where, context) => {
        skipWithoutFamily(context, lab, family);
        let outcome: Outcome = {};
        let leaks: unknown;
        const asked = await questionsOf(lab, async () => {
          leaks = await leaksOf(lab, async () => {
            outcome = await attack(lab, "lookups", "ask", family[where], DENIED, family.sandbox);
          });
        });
        expect(leaks).toEqual([]);
        expect(asked).toEqual([]);
        expect(outcome).toMatchObject({ udp: "answer 3 0", tcp: "answer 3 0" });
        const answered = Object.entries(outcome).filter(([, result]) => /^answer (?!3 0)/.test(result));
        expect(answered).toEqual([]);
      },
    );
  });

  test("row 3: no form of a denied name reaches the upstream or gets an answer", async () => {
    let outcome: Outcome = {};
    let leaks: unknown;
    const asked = await questionsOf(lab, async () => {
      leaks = await leaksOf(lab, async () => {
        outcome = await attack(lab, "lookups", "odd-names", "192.0.2.1", "one.example.org", DENIED);
      });
    });
    expect(leaks).toEqual([]);
    expect(asked.filter((qname) => qname !== "one.example.org")).toEqual([]);
    expect(Object.keys(outcome).length).toBeGreaterThan(120);
    expect(Object.entries(outcome).filter(([, result]) => /^answer 0 [1-9]/.test(result))).toEqual([]);
    expect(await lab.dig("one.example.org")).toMatchObject({ rcode: "NOERROR", addresses: ["198.51.100.1"] });
  });

  test("row 19: no source port leads past the redirect after allowed lookups", async () => {
    const lookups = await lab.canary.during(async () => {
      const names = Array.from({ length: 80 }, (_, n) => `left${n}.wild.example.org`);
      await lab.dig(...names.flatMap((name) => [name, "A"]));
      await lab.dig("-t", "TXT", LARGE);
      await lab.dig("-t", "TXT", LARGE);
    });
    const ours = lookups.filter(({ destinationPort }) => destinationPort === 53);
    const ports = [...new Set(ours.map(({ sourcePort }) => String(sourcePort)))];
    expect(new Set(ours.map(({ transport }) => transport))).toEqual(new Set(["udp", "tcp"]));
    const asked = await questionsOf(lab, async () => {
      await attack(lab, "lookups", "from-port", "192.0.2.1", DENIED, "192.0.2.2", ...ports);
    });
    expect(asked).toEqual([]);
  });

  test("row 19: nor does any port that a program can bind, and each gets our answer", async () => {
    let outcome: Outcome = {};
    const asked = await questionsOf(lab, async () => {
      outcome = await attack(lab, "lookups", "from-ports", "192.0.2.1", DENIED, "1", "65535");
    });
    expect(asked).toEqual([]);
    expect(Number(outcome["sent"])).toBeGreaterThan(65_000);
    expect(Object.keys(outcome).toSorted()).toEqual(["answer 3 0", "sent"]);
  });
});
