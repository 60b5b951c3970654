import { expect, test } from "vitest";
import { compileRuleset } from "../../../src/netfilter/chains/compile-ruleset.ts";
import type { RulesetInput } from "../../../src/netfilter/ruleset-input.ts";
import { compilePolicy } from "../../../src/policy/compile.ts";
import { policyOf } from "../../support/policy.ts";
import { rulesetInput } from "../ruleset-input.ts";

const ADMITS = /^meta mark .* (ip6? daddr .*@dyn_allow.*) jump admit$/;

function admitted(egress: readonly object[], rest: Partial<RulesetInput>): readonly (string | undefined)[] {
  const user = policyOf({ egress });
  const policy = compilePolicy({ denyAlways: [], allowAlways: [], user });
  const { tables } = compileRuleset(rulesetInput({ policy, intercept: { ports: [80, 443] }, ...rest }));
  const rules = tables[0]?.chains.find(({ name }) => name === "egress")?.rules ?? [];
  return rules.flatMap(({ statements }) => ADMITS.exec(statements)?.slice(1) ?? []);
}

const WHOLE = [{ action: "allow", target: "example.org" }];
const SCOPED = [{ action: "allow", target: "example.org", ports: [443] }];
const names = { refusedMark: 0x7a110002, hasLabels: true, judgesAnswers: true };

test("the interceptor's own connections go to learned addresses, on the ports that were learned", () => {
  expect(admitted(WHOLE, { names })).toEqual(["ip daddr @dyn_allow_v4", "ip6 daddr @dyn_allow_v6"]);
  expect(admitted(SCOPED, { names })).toEqual([
    "ip daddr @dyn_allow_v4",
    "ip6 daddr @dyn_allow_v6",
    "ip daddr . meta l4proto . th dport @dyn_allow_ports_v4",
    "ip6 daddr . meta l4proto . th dport @dyn_allow_ports_v6",
  ]);
});

test("where no names are judged they need no rules of their own", () => {
  expect(admitted(SCOPED, {})).toEqual([]);
});
