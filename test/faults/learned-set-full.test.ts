/**
 * The kernel's set of learned addresses is full, or as good as: a lookup makes room or fails, and never gives
 * an address that is not open.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { requireCommand } from "../../src/netns/command.ts";
import { argvIn } from "../../src/netns/namespace.ts";
import { urlAt } from "../support/curl.ts";
import { FAMILIES, type Family, skipWithoutFamily } from "../support/families.ts";
import { readAddresses } from "../support/kernel-sets.ts";
import { LONG_MS } from "../support/limits.ts";
import { useLab } from "../support/use-lab.ts";

/** As many as the sidecar holds, and as the kernel takes. */
const HELD = 114_688;
const ROOM = 131_072;

const POLICY = {
  egress: [
    { action: "allow", target: "one.example.org" },
    { action: "allow", target: "old.example.org" },
  ],
};

const lab = useLab({ per: "test" });

/** As many as the set has room for, as an earlier sidecar may have left them. */
async function fill(family: Family, count: number): Promise<void> {
  const addresses = Array.from({ length: count }, (_, index) =>
    family.set === "v4"
      ? `198.${18 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`
      : `2001:db8:f${index >> 16}:${(index & 0xffff).toString(16)}::1`,
  );
  const elements = addresses.map((address) => `${address} timeout 1h comment "old.example.org"`);
  const input = `add element inet opensandbox dyn_allow_${family.set} { ${elements.join(", ")} }`;
  await requireCommand(argvIn(lab.sandbox, ["nft", "-f", "-"]), { input, timeoutMs: LONG_MS });
}

describe.each(FAMILIES)("$name", (family) => {
  beforeEach((context) => skipWithoutFamily(context, lab, family));

  test("taken over full to the brim: a lookup makes room for its address", async () => {
    await (await lab.startSidecar({ policy: POLICY })).kill("SIGKILL");
    await fill(family, ROOM);
    const sidecar = await lab.startSidecar({ policy: POLICY });
    const answer = await lab.dig("one.example.org", family.qtype);
    expect(answer).toMatchObject({ rcode: "NOERROR", addresses: [family.one] });
    expect(await lab.curl(...urlAt(family.one, "http://one.example.org/"))).toMatchObject({ status: 200 });
    const held = await readAddresses(lab.sandbox, `dyn_allow_${family.set}`);
    expect(held).toContain(family.one);
    expect(held.length).toBeLessThanOrEqual(HELD);
    expect(await sidecar.api("GET", "/healthz")).toMatchObject({ status: 200 });
  });
});
