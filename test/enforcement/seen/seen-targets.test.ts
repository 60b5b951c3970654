import { expect, test } from "vitest";
import type { DecisionEvent } from "../../../src/decisions/decision-event.ts";
import { createSeen } from "../../../src/enforcement/seen/seen-targets.ts";
import { qname } from "../../support/policy.ts";
import { connectionOf, lookupOf } from "../../support/decisions.ts";

const [TXT, SERVFAIL, NXDOMAIN] = [16, 2, 3];
const NAME = "a.example.org";
const GIVEN = { addresses: ["198.51.100.1"] };
const audited = { decision: "audited" } as const;

test.each<[string, DecisionEvent, boolean]>([
  ["an allowed lookup", lookupOf(NAME, GIVEN), true],
  ["a denied one", lookupOf(NAME, { decision: "denied", rcode: NXDOMAIN }), true],
  ["a failed one", lookupOf(NAME, { decision: "failed", rcode: SERVFAIL }), true],
  ["one whose addresses are withheld", lookupOf(NAME, { decision: "withheld" }), true],
  ["an audited one", lookupOf(NAME, { ...audited, ...GIVEN }), true],
  ["an audited one of another type", lookupOf(NAME, { ...audited, qtype: TXT }), true],
  ["an audited one that failed", lookupOf(NAME, { ...audited, rcode: SERVFAIL }), true],
  ["a name that does not exist", lookupOf(NAME, { decision: "nxdomain", rcode: NXDOMAIN }), false],
  ["the same in audit mode", lookupOf(NAME, { ...audited, rcode: NXDOMAIN }), false],
  ["a name without addresses", lookupOf(NAME, { decision: "nodata" }), false],
  ["the same in audit mode, too", lookupOf(NAME, audited), false],
  ["what is answered under every policy", lookupOf("localhost", { reason: "own-answer" }), false],
  ["what can't exist", lookupOf("try.egress-doctor.invalid", { decision: "denied" }), false],
  ["a name that no rule can speak of", lookupOf("a b.example.org", { decision: "denied" }), false],
])("%s", (_, told, isSeen) => {
  const seen = createSeen(() => true);
  seen.decided(told);
  expect([...seen.targets().names]).toEqual(isSeen ? [told.qname] : []);
});

test("a connection is seen by its name, or by its address if it has none", () => {
  const seen = createSeen(() => true);
  seen.decided(connectionOf("203.0.113.7"));
  seen.decided(connectionOf("2001:db8::7"));
  seen.decided(connectionOf("203.0.113.8", { name: NAME }));
  expect([...seen.targets().addresses]).toEqual(["203.0.113.7", "2001:db8::7"]);
  expect([...seen.targets().names]).toEqual([NAME]);
  expect(seen.counts()).toEqual({ names: 1, addresses: 2, cut: 0 });
});

test("of an audited name only those flows are known that show it, and of a denied one all", () => {
  const seen = createSeen(() => true);
  const shown = { name: NAME, reason: "shown-name" } as const;
  const other = "b.example.org";
  seen.decided(connectionOf("203.0.113.7", { ...shown, ...audited }));
  seen.decided(connectionOf("203.0.113.7", { ...shown, name: other, decision: "denied" }));
  const { names, flowsOf, isPartly } = seen.targets();
  const told = [...names].map((name) => [name, flowsOf(name).length, isPartly(name)]);
  expect(told).toEqual([
    [NAME, 1, true],
    [other, 1, false],
  ]);
  // What is told once as partly stays so.
  seen.decided(connectionOf("203.0.113.7", { ...shown, decision: "denied" }));
  expect(seen.targets().isPartly(qname(NAME))).toBe(true);
});

test("an audited connection to an address of several names is a flow of each of them, a denied one of the last", () => {
  const seen = createSeen(() => true);
  const of = { name: NAME, owners: [NAME, "b.example.org"] };
  const flowsOf = () => of.owners.map((name) => seen.targets().flowsOf(name).length);
  seen.decided(connectionOf("203.0.113.7", of));
  expect(flowsOf()).toEqual([1, 0]);
  seen.decided(connectionOf("203.0.113.7", { ...of, ...audited }));
  expect(flowsOf()).toEqual([1, 1]);
});

test("what no rule could let through is not seen", () => {
  const seen = createSeen(() => true);
  seen.decided(connectionOf("203.0.113.7", { port: 853 }));
  seen.decided(connectionOf("224.0.0.251"));
  expect(seen.counts()).toEqual({ names: 0, addresses: 0, cut: 0 });
});

test("outside of audit mode allowed lookups are left to the last decisions, and all else is seen", () => {
  let isAudit = false;
  const seen = createSeen(() => isAudit);
  seen.decided(lookupOf(NAME, GIVEN));
  seen.decided(lookupOf("b.example.org", { decision: "denied", rcode: NXDOMAIN }));
  expect([...seen.targets().names]).toEqual(["b.example.org"]);
  isAudit = true;
  seen.decided(lookupOf(NAME, GIVEN));
  expect([...seen.targets().names]).toEqual(["b.example.org", NAME]);
});
