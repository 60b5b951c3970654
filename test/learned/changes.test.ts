import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isAdmitted } from "../../src/learned/owners.ts";
import { type CompiledPolicy, mergeSteps } from "../../src/policy/compile.ts";
import type { Rule } from "../../src/policy/rule.ts";
import { parsePolicyJson } from "../../src/policy/parse-policy.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { compiledOf, nameOf } from "../support/policy.ts";

import { A, ADDRESS, addressOf, B, createBench, learn, OTHER, policy, SIX, text } from "./learned-bench.ts";

function merged(before: CompiledPolicy, added: readonly Rule[]): CompiledPolicy {
  return runToEnd(mergeSteps(before, added));
}

describe("a change of few rules", () => {
  const targets = ["a.example", "b.example", "*.wild.example", "*.example", "192.0.2.0/25", "192.0.2.8"];
  const steps = fc.array(
    fc.oneof(
      fc.record({
        kind: fc.constant("learn" as const),
        qname: fc.constantFrom(A, B, nameOf("x.wild.example"), nameOf("y.wild.example")),
        octets: fc.constantFrom(ADDRESS, OTHER, SIX),
      }),
      fc.record({
        kind: fc.constant("change" as const),
        action: fc.constantFrom("allow", "deny"),
        target: fc.constantFrom(...targets),
      }),
    ),
    { maxLength: 60 },
  );

  test("takes out just what a look at everything would", () => {
    fc.assert(
      fc.property(steps, (list) => {
        const bench = createBench();
        let inForce = policy("*.example");
        runToEnd(bench.learned.forget(inForce));
        for (const step of list) {
          if (step.kind === "change") {
            const rules = parsePolicyJson(JSON.stringify({ egress: [step] }));
            if (!rules.ok || rules.value === "blank") throw new Error("rules");
            inForce = merged(inForce, rules.value.egress);
            runToEnd(bench.learned.forget(inForce));
          } else if (isAdmitted(inForce, step.octets, [step.qname])) {
            learn(bench, step.qname, step.octets, 300);
          }
          const left = bench.learned.list(0, 10).addresses;
          expect(left.filter(({ octets, owners }) => !isAdmitted(inForce, octets, owners))).toEqual([]);
        }
        expect([...bench.kernel.held().keys()].toSorted()).toEqual(
          bench.learned
            .list(0, 10)
            .addresses.map(({ octets }) => text(octets))
            .toSorted(),
        );
      }),
    );
  });
});

describe("a change while lookups go on", () => {
  const [wanted, unwanted] = [nameOf("x.wild.example"), nameOf("y.example")];
  const addresses = Array.from({ length: 6 }, (_, index) => addressOf(index));
  const lookup = fc.record({
    qname: fc.constantFrom(wanted, unwanted),
    octets: fc.constantFrom(...addresses),
  });

  test("takes out all that it denies, and nothing that an allowed name has given before it came to it", () => {
    fc.assert(
      fc.property(fc.array(lookup), fc.array(lookup), (before, meanwhile) => {
        const bench = createBench();
        for (const { qname, octets } of before) learn(bench, qname, octets, 300);
        const after = policy("*.wild.example");
        // Such a lookup has to be allowed by both policies.
        const allowed = meanwhile.filter(({ qname }) => qname === wanted);
        const steps = bench.learned.forget(after);
        let next = steps.next();
        for (const { octets } of allowed) {
          learn(bench, wanted, octets, 300);
          if (next.done !== true) next = steps.next();
        }
        while (next.done !== true) next = steps.next();
        const kept = [...before, ...allowed].filter(({ qname }) => qname === wanted);
        const keys = [...new Set(kept.map(({ octets }) => text(octets)))].toSorted();
        expect([...bench.kernel.held().keys()].toSorted()).toEqual(keys);
        expect(bench.learned.size()).toBe(keys.length);
      }),
    );
  });

  test("takes out, too, what a lookup had to push out meanwhile and the kernel kept, for nobody knows whose it is", () => {
    const bench = createBench();
    const ofName = 1024;
    // Two places that are free, and looked at by the time that the lookup comes.
    for (const octets of [ADDRESS, OTHER]) learn(bench, unwanted, octets, 300);
    for (let index = 0; index < ofName; index++) learn(bench, wanted, addressOf(index), 300);
    runToEnd(bench.learned.forget(policy("*.wild.example")));
    learn(bench, B, SIX, 300);
    const steps = bench.learned.forget(policy("*.wild.example", "b.example"));
    steps.next();
    bench.kernel.refuseKey = text(addressOf(0));
    expect(learn(bench, wanted, addressOf(ofName), 300)).toBe(false);
    bench.kernel.refuseKey = undefined;
    expect(bench.kernel.held().has(text(addressOf(0)))).toBe(true);
    runToEnd(steps);
    expect(bench.kernel.held().has(text(addressOf(0)))).toBe(false);
    expect(bench.kernel.held().size).toBe(ofName);
  });
});

describe("an address that is withheld after it was learned", () => {
  const rule = { action: "allow", target: "192.0.2.7" };
  const names = [
    { action: "allow", target: "a.example" },
    { action: "allow", target: "b.example" },
  ];

  test("goes when the same policy is given again, is not revoked, and is not put back", () => {
    const bench = createBench();
    runToEnd(bench.learned.forget(policy("a.example")));
    learn(bench, A, ADDRESS, 300);
    learn(bench, A, OTHER, 300);
    bench.withheld.replace([ADDRESS, SIX]);
    const forgotten = runToEnd(bench.learned.forget(policy("a.example")));
    expect(forgotten.map(({ key }) => text(key))).toEqual([text(ADDRESS)]);
    expect([...bench.kernel.held().keys()]).toEqual([text(OTHER)]);
    expect(bench.learned.revoked()).toEqual([]);
    bench.learned.restore(forgotten, policy("a.example"));
    expect([...bench.kernel.held().keys()]).toEqual([text(OTHER)]);
  });

  test("stays while an address rule allows it, and goes with the rule", () => {
    const bench = createBench();
    runToEnd(bench.learned.forget(compiledOf({ egress: [...names, rule] })));
    learn(bench, A, ADDRESS, 300);
    bench.withheld.replace([ADDRESS]);
    expect(runToEnd(bench.learned.forget(compiledOf({ egress: [...names, rule] })))).toEqual([]);
    expect(runToEnd(bench.learned.forget(compiledOf({ egress: names })))).toHaveLength(1);
  });
});
