/** Row 6: resets, which the kernel itself sends with the far end's address, to local sockets only. */
import { expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, leaksOf, POLICY } from "./attack.ts";

const lab = useLab({ per: "test" });

test.for(FAMILIES)(
  "row 6: no reset leaves from a foreign source, to an allowed address either, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    await lab.startSidecar({ policy: POLICY });
    await lab.dig("-t", family.qtype, "one.example.org");
    const source = deniedAddress(family, 29);
    const leaks = await leaksOf(lab, () =>
      attack(lab, "raw_ip", "resets", family.sandbox, source, family.one),
    );
    expect(leaks.filter((frame) => frame.source === source)).toEqual([]);
  },
);
