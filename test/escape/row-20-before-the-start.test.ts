/** Row 20, with flows that were tracked before the sidecar was there. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { createLab, type Lab } from "../support/lab.ts";
import { attack, deniedAddress, leaksOf, macOf, POLICY } from "./attack.ts";

let lab: Lab;
beforeEach(async () => {
  lab = await createLab();
});
afterEach(() => lab[Symbol.asyncDispose]());

test.for(FAMILIES)(
  "row 20: a caller forged before the first start is not answered, $name",
  async (family, context) => {
    skipWithoutFamily(context, lab, family);
    // As in a container whose machine has rules of its own in it: flows are tracked before the sidecar is there.
    const tracked =
      "table inet machine { chain output { type filter hook output priority 0; ct state new counter; }; }";
    await execIn(lab.sandbox, ["nft", "-f", "-"], { input: tracked });
    const denied = deniedAddress(family, 28);
    await attack(lab, "callers", "forge", denied, family.sandbox, await macOf(lab.sandbox));
    await lab.startSidecar({ policy: POLICY });
    const leaks = await leaksOf(lab, async () => {
      await attack(lab, "callers", "revive", denied, family.sandbox);
    });
    expect(leaks.filter(({ destination }) => destination === denied)).toEqual([]);
  },
);
