import { expect, test } from "vitest";
import { createDecisionRing } from "../../src/decisions/decision-ring.ts";
import { namesAllowed } from "../../src/decisions/names-allowed.ts";
import { connectionOf, lookupOf } from "../support/decisions.ts";

test("names whose lookups were allowed, the newest first, as long as they are kept", () => {
  const ring = createDecisionRing(4);
  expect([...namesAllowed(ring)]).toEqual([]);
  ring.record(lookupOf("gone.example.org"));
  ring.record(lookupOf("a.example.org"));
  ring.record(lookupOf("denied.example.org", { decision: "denied" }));
  ring.record(lookupOf("localhost", { reason: "own-answer" }));
  ring.record(lookupOf("b.example.org"));
  expect([...namesAllowed(ring)]).toEqual(["b.example.org", "a.example.org"]);
  ring.record(connectionOf("203.0.113.8", { name: "c.example.org" }));
  expect([...namesAllowed(ring)]).toEqual(["b.example.org"]);
});
