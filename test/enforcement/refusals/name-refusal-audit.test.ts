import { expect, test } from "vitest";
import type { DecisionEvent } from "../../../src/decisions/decision-event.ts";
import { createNameRefusalAudit } from "../../../src/enforcement/refusals/name-refusal-audit.ts";
import { createTellBound } from "../../../src/enforcement/names/tell-bound.ts";
import { sumDrops } from "../../../src/netfilter/io/queue-drops.ts";
import { AT_MS } from "../../support/decisions.ts";
import { compiledPolicy, inAudit } from "../../support/policy.ts";

const POLICY = [
  "deny",
  "allow one.example.org",
  "deny *.example.net",
  "allow web.example.org tcp/443",
  "deny mail.example.org tcp/25",
  "allow mail.example.org",
] as const;

function tell(name: string | undefined, isAudited = false, port = 443): Partial<DecisionEvent> | undefined {
  let told: Partial<DecisionEvent> | undefined;
  createNameRefusalAudit({
    audit: {
      decided({ forEachAddress, ...event }) {
        told = event;
        forEachAddress((octets, at, length) =>
          expect([...octets.subarray(at, at + length)]).toEqual([198, 51, 100, 50]),
        );
      },
    },
    policy: () => (isAudited ? inAudit(...POLICY) : compiledPolicy(...POLICY)),
    learned: { namesOf: () => ["one.example.org"] },
    nowMs: () => AT_MS,
  })({ name, reason: "a reason", address: Buffer.of(198, 51, 100, 50), port, isAudited });
  return told;
}

test.each([
  ["by the default action", "two.example.org", { layer: "default", rule: undefined, reason: "shown-name" }],
  ["by a rule", "a.example.net", { layer: "user", rule: "*.example.net", reason: "shown-name" }],
  ["for how it was shown", "one.example.org", { layer: "built-in", rule: undefined, reason: "shown-form" }],
  ["without a name", undefined, { layer: "built-in", rule: undefined, reason: "shown-form" }],
])("a connection is refused %s", (_how, name, judged) => {
  expect(tell(name)).toMatchObject({
    kind: "connection",
    decision: "denied",
    name,
    protocol: 6,
    port: 443,
    timeMs: AT_MS,
    ...judged,
    shown: { problem: "a reason", owners: ["one.example.org"], isAllowedElsewhere: false },
  });
});

test.each([
  ["no rule allows it at", "web.example.org", 8443, { layer: "default", rule: undefined }],
  ["a rule denies it at", "mail.example.org", 25, { layer: "user", rule: "mail.example.org tcp/25" }],
])("a name that is allowed elsewhere is refused at a port that %s", (_how, name, port, judged) => {
  expect(tell(name, false, port)).toMatchObject({
    ...judged,
    reason: "shown-name",
    port,
    shown: { isAllowedElsewhere: true },
  });
});

test("a name that is allowed at the port was refused for how it was shown", () => {
  expect(tell("web.example.org")).toMatchObject({
    reason: "shown-form",
    shown: { isAllowedElsewhere: false },
  });
});

test("what audit mode lets through is told with what would deny it", () => {
  expect(tell("a.example.net", true)).toMatchObject({
    decision: "audited",
    rule: "*.example.net",
    reason: "shown-name",
  });
});

test("a flood of refusals is told at a bound, which time earns again", () => {
  let nowMs = 0;
  const bound = createTellBound(100, () => nowMs);
  const count = (): number => Array.from({ length: 1000 }, () => bound.admits()).filter(Boolean).length;
  expect(count()).toBe(200);
  nowMs = 1000;
  expect(count()).toBe(100);
  nowMs = 100_000;
  expect(count()).toBe(200);
});

test("both counters of both queues are summed, and nobody else's", () => {
  const lines = [
    "15353   2144     0 2 65531     3     4       10  1",
    "15354   2144     0 2 65531     0     5        0  1",
    "    7   2144     0 2 65531   100   100        0  1",
  ];
  expect(sumDrops(`${lines.join("\n")}\n`)).toBe(12);
});
