/** Learned addresses of names whose rules do not allow every flow. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { EVERY_FLOW, NO_FLOWS } from "../../src/policy/flow-set.ts";
import { flowsOfOwners } from "../../src/policy/flows-to-learn.ts";
import type { CompiledPolicy } from "../../src/policy/compile.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { piecesOf, renderPiece } from "../../src/netfilter/ranges/flow-pieces.ts";
import { compiledPolicy, nameOf } from "../support/policy.ts";
import {
  A,
  ADDRESS,
  B,
  createScopedBench,
  learn,
  OTHER,
  type ScopedBench,
  SIX,
  text,
} from "./learned-bench.ts";

const REST = ["0-5 . 0-65535", "6 . 0-442", "6 . 444-65535", "7-255 . 0-65535"];

function enforce(bench: ScopedBench, policy: CompiledPolicy): void {
  runToEnd(bench.learned.forget(policy));
  bench.inForce.policy = policy;
  runToEnd(bench.learned.settle(policy));
}

function start(...egress: readonly string[]): ScopedBench {
  const bench = createScopedBench();
  enforce(bench, compiledPolicy("deny", ...egress));
  return bench;
}

test("an address of a name with a port is held with that port alone", () => {
  const bench = start("allow a.example /443");
  learn(bench, A, ADDRESS, 300);
  expect(bench.kernel.held().size).toBe(0);
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 443"]);
  expect(bench.kernel.pieces(text(ADDRESS), "deny")).toEqual([]);
});

test("two names on one address open what each is allowed, and a name without ports all of it", () => {
  const bench = start("allow a.example /443", "allow b.example udp/53", "allow c.example");
  learn(bench, A, ADDRESS, 300);
  learn(bench, B, ADDRESS, 300);
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["17 . 53", "6 . 443"]);
  learn(bench, nameOf("c.example"), ADDRESS, 300);
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual([]);
  expect([...bench.kernel.held().keys()]).toEqual([text(ADDRESS)]);
  expect(bench.learned.flowsOf(ADDRESS)).toEqual(EVERY_FLOW);
});

test("where the default action allows, the kernel holds what does not pass, from before such a policy is in force", () => {
  const bench = start("allow a.example tcp/443");
  learn(bench, A, ADDRESS, 300);
  const open = compiledPolicy("allow", "allow a.example tcp/443", "deny a.example");
  runToEnd(bench.learned.forget(open));
  expect(bench.kernel.pieces(text(ADDRESS), "deny")).toEqual(REST);
  bench.inForce.policy = open;
  runToEnd(bench.learned.settle(open));
  expect(bench.kernel.pieces(text(ADDRESS), "deny")).toEqual(REST);
  enforce(bench, compiledPolicy("deny", "allow a.example tcp/443"));
  expect(bench.kernel.pieces(text(ADDRESS), "deny")).toEqual([]);
});

test("what a change takes away goes before it is in force, and what it gives comes after", () => {
  const bench = start("allow a.example /1-100");
  learn(bench, A, ADDRESS, 300);
  const next = compiledPolicy("deny", "allow a.example /50-200");
  runToEnd(bench.learned.forget(next));
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 50-100"]);
  bench.inForce.policy = next;
  runToEnd(bench.learned.settle(next));
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 50-200"]);
});

test("a name that only a rule for every destination allows opens nothing by itself", () => {
  const bench = start("allow a.example");
  learn(bench, A, ADDRESS, 300);
  enforce(bench, compiledPolicy("deny", "allow * /443"));
  expect(bench.kernel.held().size).toBe(0);
  learn(bench, A, OTHER, 300);
  expect(bench.learned.size()).toBe(0);
});

test("a refused batch leaves nothing behind that is not known: the next one takes it out", () => {
  const bench = start("allow a.example /443");
  learn(bench, A, ADDRESS, 300);
  bench.kernel.refuseKey = text(ADDRESS);
  expect(() => runToEnd(bench.learned.forget(compiledPolicy("deny", "allow a.example /80")))).toThrow(
    "ENFILE",
  );
  bench.kernel.refuseKey = undefined;
  enforce(bench, compiledPolicy("deny", "allow a.example /80"));
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 80"]);
  learn(bench, A, ADDRESS, 300);
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 80"]);
});

test("another process takes them over with their flows, and its first policy judges them", () => {
  const bench = start("allow a.example /443", "allow b.example");
  learn(bench, A, ADDRESS, 300);
  learn(bench, B, SIX, 300);
  const next = createScopedBench(bench.kernel);
  runToEnd(next.learned.takeOver());
  expect(next.learned.foundPortSets()).toBe(true);
  expect(next.learned.flowsOf(ADDRESS).tcp).toEqual([{ first: 443, last: 443 }]);
  expect(next.learned.namesOf(ADDRESS)).toEqual(["a.example"]);
  enforce(next, compiledPolicy("deny", "allow b.example udp"));
  expect(next.kernel.pieces(text(ADDRESS))).toEqual([]);
  expect(next.kernel.pieces(text(SIX))).toEqual(["17 . 0-65535"]);
  expect(next.kernel.held().size).toBe(0);
});

test("what others put there goes, and what they took away comes back", () => {
  const bench = start("allow a.example /443");
  learn(bench, A, ADDRESS, 300);
  const [piece] = piecesOf(EVERY_FLOW, 4);
  const [https] = piecesOf({ ...NO_FLOWS, tcp: [{ first: 443, last: 443 }] }, 4);
  if (piece === undefined || https === undefined) throw new Error("no pieces");
  bench.kernel.addPiece(OTHER, { verdict: "allow", piece }, 60_000, "");
  bench.kernel.removePiece(ADDRESS, { verdict: "allow", piece: https });
  bench.kernel.commit();
  bench.learned.reconcile();
  expect(bench.kernel.pieces(text(OTHER))).toEqual([]);
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 443"]);
});

test("what the kernel refused to open to more comes back with it, and keeps its life", () => {
  const bench = start("allow a.example /443", "allow b.example /80");
  learn(bench, A, ADDRESS, 300);
  bench.kernel.areGone = true;
  expect(learn(bench, B, ADDRESS, 300)).toBe(false);
  bench.kernel.areGone = false;
  bench.learned.reconcile();
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 443", "6 . 80"]);
  bench.nowMs += 100_000;
  bench.kernel.refuseKey = text(ADDRESS);
  expect(learn(bench, B, ADDRESS, 300)).toBe(false);
  bench.kernel.refuseKey = undefined;
  enforce(bench, compiledPolicy("deny", "allow a.example /443", "allow b.example /80-90"));
  bench.nowMs += 300_000;
  expect(bench.kernel.pieces(text(ADDRESS))).toEqual(["6 . 443", "6 . 80-90"]);
});

test("elements are bounded: those written longest ago go", () => {
  const entries = Array.from({ length: 256 }, (_, index) => `${2 * index + 1}`).join(",");
  const bench = start(`allow a.example /${entries}`);
  for (let index = 0; index < 150; index += 1) learn(bench, A, Uint8Array.of(198, 51, 100, index), 300);
  const held = Array.from({ length: 150 }, (_, index) => bench.kernel.pieces(`198.51.100.${index}`).length);
  expect(held.reduce((sum, count) => sum + count, 0)).toBe(32_768);
  expect(held[149]).toBe(256);
  expect(held[0]).toBe(0);
});

const anyRule = fc
  .tuple(
    fc.constantFrom("allow", "deny"),
    fc.constantFrom("a.example", "b.example", "*.example", "*"),
    fc.constantFrom(" /443", " /80-90", " udp/443", " tcp", " icmp", ""),
  )
  .filter(([, target, scope]) => target !== "*" || scope !== "")
  .map((parts) => parts[0] + " " + parts[1] + parts[2]);
const anyStep = fc.oneof(
  fc.record({ learn: fc.constantFrom(A, B), at: fc.constantFrom(ADDRESS, OTHER) }),
  fc.record({
    egress: fc.array(anyRule, { maxLength: 5 }),
    defaultAction: fc.constantFrom("allow" as const, "deny" as const),
  }),
);

test("after any lookups and changes the kernel holds what the names' rules allow, and nothing else", () => {
  fc.assert(
    fc.property(fc.array(anyStep, { maxLength: 25 }), (steps) => {
      const bench = start("allow *.example");
      for (const step of steps) {
        if ("learn" in step) learn(bench, step.learn, step.at, 300);
        else enforce(bench, compiledPolicy(step.defaultAction, ...step.egress));
        for (const address of [ADDRESS, OTHER]) {
          const owners = bench.learned.namesOf(address);
          const isHeld = bench.learned.has(address);
          const flows = isHeld ? flowsOfOwners(bench.inForce.policy, owners) : NO_FLOWS;
          expect(bench.kernel.held().has(text(address))).toBe(flows === undefined);
          const wanted = flows === undefined ? [] : piecesOf(flows, 4).map(renderPiece).toSorted();
          expect(bench.kernel.pieces(text(address))).toEqual(wanted);
        }
      }
    }),
    { numRuns: 100 },
  );
});
