import { describe, expect, test } from "vitest";
import type { DecisionEvent } from "../../../src/decisions/decision-event.ts";
import type { LookupEvent, LookupOutcome } from "../../../src/dns/ports.ts";
import { createLookupAudit } from "../../../src/enforcement/lookups/lookup-audit.ts";
import type { WithheldReason } from "../../../src/enforcement/lookups/policy-judge.ts";
import type { Decision } from "../../../src/policy/decision.ts";
import { AT_MS } from "../../support/decisions.ts";
import { allowByDefault, compiledPolicy, inAudit, nameOf } from "../../support/policy.ts";

const NAME = nameOf("www.example.org");
const [RULE] = allowByDefault("allow *.example.org").egress;
const BY_RULE: Decision = { action: "allow", layer: "user", rule: RULE };
const ADDRESS = Uint8Array.of(198, 51, 100, 7);
const WITHHELD = Uint8Array.of(198, 51, 100, 8);

const event = (outcome: LookupOutcome, given: Partial<LookupEvent> = {}): LookupEvent => ({
  qname: NAME,
  text: NAME,
  qtype: 1,
  outcome,
  decision: BY_RULE,
  rcode: 0,
  upstream: 1,
  durationMs: 4,
  nowMs: 50,
  withheldCount: 0,
  forEachAddress: (visit) => visit(ADDRESS, 0, 4),
  forFirstWithheld: (visit) => visit(WITHHELD, 0, 4),
  ...given,
});

const BY_ADDRESS: WithheldReason = { layer: "user", rule: "198.51.100.8", reason: undefined };

function whyWithheld(octets: Uint8Array): WithheldReason {
  expect(octets).toEqual(WITHHELD);
  return BY_ADDRESS;
}

/** What is told of a lookup, the addresses by their last octets. */
function tell(lookup: LookupEvent, policy = compiledPolicy("deny")) {
  const told: object[] = [];
  const audit = {
    decided({ forEachAddress, ...facts }: DecisionEvent) {
      const addresses: unknown[] = [];
      forEachAddress((octets, at) => addresses.push(octets[at + 3]));
      told.push({ ...facts, addresses });
    },
    lookupsLimited: () => expect.unreachable("no bound"),
  };
  createLookupAudit({
    audit,
    recordDuration: () => undefined,
    whyWithheld,
    policy: () => policy,
    unixMs: (nowMs) => AT_MS + nowMs,
  }).lookedUp(lookup);
  return told[0];
}

const byRule = { layer: "user", rule: "*.example.org", reason: undefined };

describe("what is decided on a lookup", () => {
  test("holds all that is known of it", () => {
    expect(tell(event("answered"))).toEqual({
      kind: "lookup",
      decision: "allowed",
      timeMs: AT_MS + 50,
      name: NAME,
      qname: NAME,
      qtype: 1,
      rcode: 0,
      upstream: 1,
      durationMs: 4,
      protocol: 0,
      port: undefined,
      ...byRule,
      takenOut: undefined,
      addresses: [7],
    });
  });

  test("holds what an answer has lost, and by what, beside who allowed the name", () => {
    expect(tell(event("answered", { withheldCount: 3 }))).toMatchObject({
      decision: "allowed",
      ...byRule,
      takenOut: { count: 3, first: WITHHELD, ...BY_ADDRESS },
      addresses: [7],
    });
    expect(tell(event("withheld", { withheldCount: 3 }))).toMatchObject({ takenOut: undefined });
  });

  test.each<[LookupOutcome, object]>([
    ["denied", { decision: "denied", ...byRule }],
    ["nodata", { decision: "nodata", ...byRule }],
    ["nxdomain", { decision: "nxdomain", ...byRule }],
    ["upstream", { decision: "failed", ...byRule, reason: "upstream" }],
    ["rcode", { decision: "failed", ...byRule, reason: "rcode" }],
    ["kernel", { decision: "failed", ...byRule, reason: "kernel" }],
    ["overload", { decision: "failed", ...byRule, reason: "overload" }],
    ["limited", { decision: "failed", ...byRule, reason: "limited" }],
    ["own", { decision: "allowed", ...byRule, reason: "own-answer" }],
  ])("%s is told with what allowed the name", (outcome, wanted) => {
    expect(tell(event(outcome))).toMatchObject(wanted);
  });

  test("names the rule or the protection that took the addresses, and the first of them", () => {
    expect(tell(event("withheld"))).toMatchObject({ decision: "withheld", ...BY_ADDRESS, addresses: [8] });
  });

  test("is built in where no rule can speak of the name", () => {
    const odd = { qname: undefined, text: String.raw`a\032b`, decision: undefined };
    expect(tell(event("denied", odd))).toMatchObject({
      decision: "denied",
      name: String.raw`a\032b`,
      layer: "built-in",
      rule: undefined,
      reason: "no-host-name",
    });
  });

  test.each([
    ["service bindings have no data", 65, 0, "nodata"],
    ["a transfer is refused", 252, 5, "failed"],
    ["localhost is an address", 1, 0, "allowed"],
  ])("of what we answer ourselves: %s", (_what, qtype, rcode, decision) => {
    expect(tell(event("own", { qtype, rcode }))).toMatchObject({ decision, reason: "own-answer" });
  });
});

describe("in audit mode", () => {
  const denied = inAudit("deny", "deny *.example.org");
  const wouldDeny = { decision: "audited", layer: "user", rule: "*.example.org" };

  test.each<[LookupOutcome, number, readonly number[]]>([
    ["answered", 0, [7]],
    ["nxdomain", 3, [7]],
    ["upstream", 2, [7]],
  ])("a name that would be denied is audited, its lookup %s", (outcome, rcode, addresses) => {
    expect(tell(event(outcome, { rcode }), denied)).toMatchObject({ ...wouldDeny, rcode, addresses });
  });

  test("so is a name whose addresses would all be taken out, by the address rule", () => {
    const withheld = inAudit("deny", "allow *.example.org", "deny 198.51.100.7");
    const byAddress = { decision: "audited", layer: "user", rule: "198.51.100.7" };
    expect(tell(event("answered"), withheld)).toMatchObject(byAddress);
    const two: Partial<LookupEvent> = {
      forEachAddress(visit) {
        visit(ADDRESS, 0, 4);
        visit(WITHHELD, 0, 4);
      },
    };
    expect(tell(event("answered", two), withheld)).toMatchObject({ decision: "allowed" });
  });

  test.each<[LookupOutcome, string]>([
    ["denied", "denied"],
    ["withheld", "withheld"],
  ])("what is blocked all the same is %s", (outcome, decision) => {
    expect(tell(event(outcome), denied)).toMatchObject({ decision });
  });

  test("what is answered under every policy is not", () => {
    expect(tell(event("own", { decision: undefined }), denied)).toMatchObject({ decision: "allowed" });
  });
});
