/**
 * Row 33: an allowed site that says back what it was asked with. A client that has it do so where a segment
 * begins must not pass for one whose WebSocket the site has agreed to.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import type { JsonServer } from "../support/json-server.ts";
import { until } from "../support/until.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, startAccomplice } from "./attack.ts";

const PORT = "8099";
const SHARED = { addresses: ["198.51.100.50", "2001:db8:100::50"] };
const [GOOD, EVIL] = ["good.shared.example.org", "evil.shared.example.org"];

const lab = useLab({ zone: { [GOOD]: SHARED, [EVIL]: SHARED }, upstream: { ttlSeconds: 300 } });
let site: JsonServer;
beforeAll(async () => {
  site = await startAccomplice(lab, "feigned_switch", "site", PORT);
  await lab.startSidecar({
    policy: { egress: [{ action: "allow", target: GOOD }] },
    env: { OPENSANDBOX_EGRESS_WIRE_NAMES: "strict" },
  });
});
afterAll(() => site[Symbol.asyncDispose]());

describe.each(FAMILIES)("$name", (family) => {
  beforeEach(async (context) => {
    skipWithoutFamily(context, lab, family);
    await lab.dig(GOOD, family.qtype);
  });

  test("an answer that is cut where it says 101 makes no WebSocket, and another site is not reached", async () => {
    const [v4 = "", v6 = ""] = SHARED.addresses;
    const address = family.name === "IPv4" ? v4 : v6;
    const before = site.lines.length;
    // Not each try has the answer cut there.
    await until("an answer is cut there", async () => {
      const outcome = await attack(lab, "feigned_switch", "ask", address, PORT, GOOD, EVIL);
      expect(outcome).toMatchObject({ "another site's request": "refused" });
      return outcome["cut"] === "HTTP/1.1 101 x";
    });
    expect(new Set(site.lines.slice(before).map(({ host }) => host))).toEqual(new Set([GOOD]));
  });
});
