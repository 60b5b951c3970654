import { expect, test } from "vitest";
import { createDecisionRing } from "../../src/decisions/decision-ring.ts";
import { parseId, presentDecision } from "../../src/decisions/present-decision.ts";
import type { DecisionEvent } from "../../src/decisions/decision-event.ts";
import { connectionOf, lookupOf } from "../support/decisions.ts";

function shown(event: DecisionEvent): object {
  const ring = createDecisionRing(64);
  ring.record(event);
  return presentDecision(ring.read(1), { run: "run1", upstreams: ["192.0.2.1:53"] });
}

const common = { id: "run1-1", time: "2026-01-02T03:04:05.678Z" };

test("a lookup is shown with its type, rcode, upstream and time, and no port", () => {
  const given = {
    qtype: 28,
    upstream: 0,
    durationMs: 1.5,
    addresses: ["2001:db8::1"],
    rule: "*.example.org",
  };
  expect(shown(lookupOf("www.example.org", given))).toEqual({
    ...common,
    kind: "lookup",
    decision: "allowed",
    name: "www.example.org",
    type: "AAAA",
    addresses: ["2001:db8::1"],
    layer: "user",
    rule: "*.example.org",
    rcode: "NOERROR",
    upstream: "192.0.2.1:53",
    durationMs: 1.5,
  });
});

test("a connection is shown with its protocol and port, and no type", () => {
  expect(shown(connectionOf("198.51.100.7"))).toEqual({
    ...common,
    kind: "connection",
    decision: "denied",
    protocol: "tcp",
    port: 443,
    addresses: ["198.51.100.7"],
    layer: "default",
  });
});

test("what an answer has lost is shown beside it, with who took it out", () => {
  const first = Uint8Array.of(198, 51, 100, 7);
  const byRule = { count: 2, first, layer: "user", rule: "198.51.100.0/28", reason: undefined } as const;
  expect(shown(lookupOf("a", { addresses: ["198.51.100.99"], takenOut: byRule }))).toMatchObject({
    addresses: ["198.51.100.99"],
    takenOut: { count: 2, first: "198.51.100.7", layer: "user", rule: "198.51.100.0/28" },
  });
  const protection = { layer: "built-in", rule: undefined, reason: "own-network" } as const;
  expect(shown(lookupOf("a", { takenOut: { count: 1, first, ...protection } }))).toMatchObject({
    takenOut: { reason: "own-network", message: expect.stringContaining("the sandbox's own") },
  });
});

test("a reason comes with its words, and a type, an rcode and a protocol without a name by their numbers", () => {
  expect(shown(lookupOf("a", { qtype: 65_400, rcode: 3000, reason: "kernel" }))).toMatchObject({
    type: "TYPE65400",
    rcode: "RCODE3000",
    reason: "kernel",
    message: "the kernel refused the addresses",
  });
  expect(shown(connectionOf("198.51.100.7", { protocol: 47 }))).toMatchObject({ protocol: "47" });
});

test("the root is a dot, and more addresses than are kept are counted", () => {
  const addresses = Array.from({ length: 10 }, (_, index) => `198.51.100.${index}`);
  expect(shown(lookupOf("", { addresses }))).toMatchObject({ name: ".", moreAddresses: 2 });
});

test.each([
  ["run1-12", 12],
  ["run2-12", "another run"],
  ["run1", undefined],
  ["run1--1", undefined],
  ["12", undefined],
  ["RUN1-1", undefined],
  ["", undefined],
])("the id %j stands for %j", (text, number) => {
  expect(parseId("run1", text)).toBe(number);
});
