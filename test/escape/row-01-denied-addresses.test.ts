/**
 * Row 1: an address that no rule allows. Row 8: ports of an upstream or of a public resolver other than 53.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { FAMILIES, skipWithoutFamily } from "../support/families.ts";
import { useLab } from "../support/use-lab.ts";
import { attack, deniedAddress, expectRefused, leaksOf, type Outcome, POLICY } from "./attack.ts";

/** DNS over TLS and QUIC, over HTTPS, multicast DNS's, and what else a resolver's machine may serve. */
const OTHER_PORTS = ["853", "443", "784", "5353", "80", "8080", "8853", "7", "123"];

const lab = useLab();

describe.each(FAMILIES)("without a sidecar, $name", (family) => {
  test("each way leads out", async (context) => {
    skipWithoutFamily(context, lab, family);
    const frames = await leaksOf(lab, async () => {
      await attack(lab, "everyday", "reach", deniedAddress(family, 11));
      await attack(lab, "everyday", "ports", family.upstream, ...OTHER_PORTS);
    });
    const transports = new Set(frames.map(({ transport }) => transport));
    for (const transport of ["tcp", "udp", "sctp", "protocol 47", "protocol 253"]) {
      expect(transports).toContain(transport);
    }
    const ports = new Set(frames.map(({ destinationPort }) => String(destinationPort)));
    expect(OTHER_PORTS.filter((port) => !ports.has(port))).toEqual([]);
  });
});

describe("under the sidecar", () => {
  beforeAll(async () => {
    const resolvers = FAMILIES.map(({ otherResolver }) => otherResolver);
    await lab.startSidecar({
      policy: {
        ...POLICY,
        egress: [...POLICY.egress, ...resolvers.map((target) => ({ action: "allow", target }))],
      },
      env: {
        OPENSANDBOX_EGRESS_BLOCK_DOH_443: "true",
        OPENSANDBOX_EGRESS_DOH_BLOCKLIST: resolvers.join(","),
      },
    });
  });

  test.for(FAMILIES)(
    "row 1: a denied $name address is refused at once over every protocol",
    async (family, context) => {
      skipWithoutFamily(context, lab, family);
      let outcome: Outcome = {};
      const leaks = await leaksOf(lab, async () => {
        outcome = await attack(lab, "everyday", "reach", deniedAddress(family, 12));
      });
      expect(leaks).toEqual([]);
      expectRefused(outcome);
    },
  );

  test.for(FAMILIES)("row 8: an upstream's other ports are refused over $name", async (family, context) => {
    skipWithoutFamily(context, lab, family);
    let outcome: Outcome = {};
    const leaks = await leaksOf(lab, async () => {
      outcome = await attack(lab, "everyday", "ports", family.upstream, ...OTHER_PORTS);
    });
    expect(leaks).toEqual([]);
    expectRefused(outcome);
  });

  test.for(FAMILIES)(
    "row 8: encrypted lookups to an allowed $name address are refused",
    async (family, context) => {
      skipWithoutFamily(context, lab, family);
      let outcome: Outcome = {};
      const leaks = await leaksOf(lab, async () => {
        outcome = await attack(lab, "everyday", "ports", family.otherResolver, "853", "443");
      });
      expect(leaks).toEqual([]);
      expectRefused(outcome);
      expect(await attack(lab, "everyday", "ports", family.otherResolver, "80")).toMatchObject({
        "tcp 80": "connected",
      });
    },
  );
});
