/** Row 6: packets made by hand. Row 23: control messages as carriers. */
import { beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, POLICY } from "./attack.ts";

const lab = useLab();

const places = (family: Family) => [family.sandbox, deniedAddress(family, 61), family.one] as const;

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  test("such packets leave", async (context) => {
    skipWithoutFamily(context, lab, family);
    const sent = await leaksOf(lab, () => attack(lab, "raw_ip", "send", ...places(family)));
    expect(sent.length).toBeGreaterThan(20);
    const controls = await leaksOf(lab, () => attack(lab, "raw_ip", "control", ...places(family)));
    expect(controls.length).toBeGreaterThan(20);
    const forged = await leaksOf(lab, () =>
      attack(lab, "raw_ip", "sources", ...places(family), family.upstream),
    );
    expect(forged.length).toBeGreaterThan(10);
  });
});

describe("under the sidecar", () => {
  beforeAll(async () => {
    await lab.startSidecar({ policy: POLICY });
  });

  describe.each(FAMILIES)("$name", (family) => {
    test("row 6: no packet reaches a denied address, whatever its headers, fragments or wrapping", async (context) => {
      skipWithoutFamily(context, lab, family);
      await lab.dig("-t", family.qtype, "one.example.org");
      expect(await leaksOf(lab, () => attack(lab, "raw_ip", "send", ...places(family)))).toEqual([]);
    });

    test("row 6: nothing leaves from an address that is not the sandbox's, not even to an allowed one", async (context) => {
      skipWithoutFamily(context, lab, family);
      await lab.dig("-t", family.qtype, "one.example.org");
      const act = () => attack(lab, "raw_ip", "sources", ...places(family), family.upstream);
      expect(await leaksOf(lab, act)).toEqual([]);
    });

    test("row 23: no control message carries anything off the link", async (context) => {
      skipWithoutFamily(context, lab, family);
      // Flows that an error message could pretend to speak of: an allowed one, and a redirected lookup.
      await lab.dig("-t", family.qtype, "one.example.org");
      const talked = await attack(lab, "everyday", "talk", family.one, "one.example.org");
      expect(talked).toEqual({ "tcp 80": "closed", "udp 7": "echoed" });
      expect(await leaksOf(lab, () => attack(lab, "raw_ip", "control", ...places(family)))).toEqual([]);
    });
  });
});
