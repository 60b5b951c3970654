import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  describeTooManyElements,
  exceedsElements,
  MAX_FLOW_ELEMENTS,
} from "../../../src/netfilter/ranges/element-limit.ts";
import { listFlowRanges } from "../../../src/netfilter/ranges/scoped-ranges.ts";
import { runToEnd } from "../../../src/policy/steps.ts";
import { anyScopedRule } from "../../policy/arbitraries.ts";
import { compiledPolicy, denyByDefault } from "../../support/policy.ts";

/** Single ports with gaps, so that none join. */
const apart = (count: number): string => Array.from({ length: count }, (_, at) => 2 * at + 1).join(",");
const exceeds = (limit: number, ...egress: readonly string[]): boolean =>
  runToEnd(exceedsElements(compiledPolicy("deny", ...egress), limit));

test.each<[string, readonly string[], number]>([
  ["a range of ports is one", ["allow 192.0.2.0/24 /8000-9000"], 1],
  ["single ports are one each", [`allow 192.0.2.0/24 /${apart(10)}`], 10],
  ["a denial without a protocol has those of UDP, too", [`deny 192.0.2.0/24 /${apart(10)}`], 20],
  ["both families count", [`allow 192.0.2.0/24 /${apart(10)}`, `allow 2001:db8::/32 /${apart(10)}`], 20],
  ["what has to be spoken counts", [`allow 192.0.2.0/24 /${apart(10)} app ssh`], 10],
  ["every destination is one in each family", [`allow * /${apart(10)}`], 20],
  [
    "a rule that cuts the prefix has them made again",
    ["deny 192.0.2.7", `allow 192.0.2.0/24 /${apart(10)}`],
    20,
  ],
  ["names make none", [`allow a.example /${apart(10)}`], 0],
  ["rules without ports make none", ["allow 192.0.2.0/24", "deny a.example"], 0],
])("%s", (_what, egress, count) => {
  expect([exceeds(count, ...egress), count === 0 || exceeds(count - 1, ...egress)]).toEqual([false, true]);
});

test("as many are counted as the kernel is given", () => {
  fc.assert(
    fc.property(fc.array(anyScopedRule, { maxLength: 25 }), (egress) => {
      const { rules, scoped } = compiledPolicy("deny", ...egress);
      const given = ([4, 16] as const).flatMap((octets) =>
        (["allow", "deny", "ask"] as const).flatMap((action) => {
          const trie = octets === 4 ? rules.v4 : rules.v6;
          return [...listFlowRanges({ octets, rules: trie, scoped, action, asks: true })];
        }),
      );
      const count = given.filter((range) => range !== undefined).length;
      expect([exceeds(count, ...egress), count === 0 || exceeds(count - 1, ...egress)]).toEqual([
        false,
        true,
      ]);
    }),
    { numRuns: 300 },
  );
});

test("few rules may exceed the limit, and the one with most ranges is named", () => {
  const cuts = Array.from({ length: 300 }, (_, at) => `deny 10.0.${at >> 7}.${2 * (at & 127)}`);
  const egress = [...cuts, "allow a.example /1-9", `allow 10.0.0.0/8 /${apart(256)}`];
  expect(exceeds(MAX_FLOW_ELEMENTS, ...egress)).toBe(true);
  expect(describeTooManyElements(denyByDefault(...egress))).toEqual({
    path: "egress[301].ports",
    message: expect.stringMatching(
      /10\.0\.0\.0\/8 tcp\/1,3,.*256 ranges\): write ranges such as "8000-8080"/,
    ),
  });
});
