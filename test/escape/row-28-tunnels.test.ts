/**
 * Row 28: data hidden in what is looked up: names below a wildcard, types of one name, domains under
 * `defaultAction: allow`.
 */
import { describe, expect, test } from "vitest";
import { FAMILIES } from "../support/families.ts";
import { skipWithoutFamily } from "../support/families.ts";
import { WITHOUT_BOUNDS } from "../support/sidecar.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, POLICY, questionsOf } from "./attack.ts";

const PIECES = 800;
const DEFAULT_NAMES = 600;
const WAYS = FAMILIES.flatMap((family) =>
  (["udp", "tcp"] as const).map((transport) => ({ ...family, transport, family })),
);

const lab = useLab({ per: "test" });

/** The names below the parent that got out while as many as `PIECES` were tried. */
async function piecesOut(parent: string, resolver: string, transport: string): Promise<ReadonlySet<string>> {
  const asked = await questionsOf(lab, () =>
    attack(lab, "tunnel", "names", resolver, transport, String(PIECES), parent),
  );
  return new Set(asked.filter((qname) => qname.endsWith(`.${parent}`)));
}

test("without the bounds all data hidden in names gets out", async () => {
  await lab.startSidecar({ policy: POLICY, env: WITHOUT_BOUNDS });
  expect((await piecesOut("wild.example.org", "192.0.2.1", "udp")).size).toBe(PIECES);
});

describe.for(WAYS)("over $transport and $name", ({ family, transport }) => {
  test("the owner of a wildcard's names hears of no more than the bound; all others are answered", async (context) => {
    skipWithoutFamily(context, lab, family);
    const policy = {
      ...POLICY,
      egress: [...POLICY.egress, { action: "allow", target: "*.other.example.org" }],
    };
    const sidecar = await lab.startSidecar({ policy });
    expect((await piecesOut("wild.example.org", family.upstream, transport)).size).toBe(DEFAULT_NAMES);

    const again = await questionsOf(lab, async () => {
      expect(await lab.dig("late.wild.example.org")).toMatchObject({
        rcode: "SERVFAIL",
        ede: "18 (Prohibited): (too many lookups this minute)",
      });
    });
    expect(again).toEqual([]);
    const fromMemory = await lab.dig(`0-${"a".repeat(50)}.wild.example.org`, "A");
    expect(fromMemory).toMatchObject({ rcode: "NOERROR", addresses: ["198.51.100.20"] });
    expect(await lab.dig("one.example.org", family.qtype)).toMatchObject({ addresses: [family.one] });
    expect(await questionsOf(lab, () => lab.dig("a.other.example.org"))).toEqual(["a.other.example.org"]);

    const events = sidecar.logs().filter((line) => line["opensandbox.event"] === "egress.limited");
    expect(events).toMatchObject([
      {
        parent: "wild.example.org",
        bound: "names",
        "per.minute": DEFAULT_NAMES,
        layer: "user",
        rule: "*.wild.example.org",
      },
    ]);
    const { text } = await sidecar.api("GET", "/metrics");
    expect(text).toContain(`egress_dns_query_failed_total{reason="limited"} ${PIECES - DEFAULT_NAMES + 1}`);
  });
});

test.for(FAMILIES)(
  "types of one name get out no more often than lookups may, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    const env = { OPENSANDBOX_EGRESS_WILDCARD_LOOKUPS_PER_MINUTE: "50" };
    await lab.startSidecar({ policy: POLICY, env });
    // An upstream that has given data is believed when it says "no", and not asked a second time; this lookup
    // counts nothing.
    await lab.dig("one.example.org", family.qtype);
    for (const name of ["data.wild.example.org", "one.example.org"]) {
      const asked = await questionsOf(lab, () =>
        attack(lab, "tunnel", "types", family.upstream, "udp", "90", name),
      );
      expect(asked.filter((qname) => qname === name)).toHaveLength(50);
    }
    expect(await lab.dig("one.example.org", family.qtype)).toMatchObject({ addresses: [family.one] });
  },
);

test("under a default of allow each domain is bounded, and none of them bounds another", async () => {
  await lab.startSidecar({ policy: { defaultAction: "allow", egress: [] } });
  expect((await piecesOut("deep.tunnel.example", "192.0.2.1", "udp")).size).toBe(DEFAULT_NAMES);
  expect(await questionsOf(lab, () => lab.dig("other.tunnel.example"))).toEqual([]);
  expect(await lab.dig("one.example.org")).toMatchObject({ addresses: ["198.51.100.1"] });
});
