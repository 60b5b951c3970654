/** Row 1: what rules with ports do not allow of an address, by packets that are made by hand. */
import { describe, expect, test } from "vitest";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf } from "./attack.ts";

const lab = useLab({ upstream: { ttlSeconds: 300 } });

const NAME = "one.example.org";
const ALLOWED = "two.example.org";
const onPort = (family: Family) => deniedAddress(family, 61);

async function send(family: Family, what: "send" | "short", address: string) {
  const places = [family.sandbox, address, family.two] as const;
  return leaksOf(lab, () => attack(lab, "raw_ip", what, ...places));
}

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  test("packets that are too short to have a port leave", async (context) => {
    skipWithoutFamily(context, lab, family);
    expect((await send(family, "short", onPort(family))).length).toBeGreaterThan(20);
  });
});

describe.each(FAMILIES)("under the sidecar, $name", (family) => {
  test("row 1: where one port of an address is allowed nothing else reaches it", async (context) => {
    skipWithoutFamily(context, lab, family);
    const egress = [
      { action: "allow", target: onPort(family), ports: [443] },
      { action: "allow", target: NAME, ports: [443] },
      { action: "allow", target: ALLOWED },
    ];
    await using _sidecar = await lab.startSidecar({ policy: { egress } });
    await lab.dig(NAME, family.qtype);
    await lab.dig(ALLOWED, family.qtype);
    for (const address of [onPort(family), family.one]) {
      expect(await send(family, "send", address)).toEqual([]);
      expect(await send(family, "short", address)).toEqual([]);
    }
  });

  test("row 1: where the default action allows, what is too short to have a port passes no rule with one", async (context) => {
    skipWithoutFamily(context, lab, family);
    const egress = [
      { action: "deny", target: onPort(family), protocol: "udp" },
      { action: "deny", target: onPort(family), protocol: "icmp" },
      { action: "deny", target: onPort(family), ports: [25] },
      { action: "allow", target: NAME, ports: [443] },
      { action: "deny", target: NAME },
    ];
    await using _sidecar = await lab.startSidecar({ policy: { defaultAction: "allow", egress } });
    await lab.dig(NAME, family.qtype);
    for (const address of [onPort(family), family.one])
      expect(await send(family, "short", address)).toEqual([]);
  });
});
