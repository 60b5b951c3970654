import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compilePolicy } from "../../src/policy/compile.ts";
import type { FlowKind } from "../../src/policy/flow-set.ts";
import { decideName } from "../../src/policy/decide-name.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { type Suggestion, suggestSteps } from "../../src/policy/suggest.ts";
import { qname, rules, targets, words } from "../support/policy.ts";
import { anyAction, anyName, anyRule } from "./arbitraries.ts";

interface Given {
  readonly names?: readonly string[];
  readonly addresses?: readonly string[];
  readonly rules?: readonly string[];
  readonly defaultAction?: "allow" | "deny";
  readonly denyAlways?: readonly string[];
  readonly allowAlways?: readonly string[];
  readonly wildcards?: boolean;
  readonly ports?: boolean;
  /** `a.example.org: tcp/443 udp/53 icmp`. */
  readonly flows?: readonly string[];
}

function suggest(given: Given): Suggestion {
  const { names = [], addresses = [], wildcards = false, ports = false, defaultAction = "deny" } = given;
  const user = { defaultAction, egress: rules(...(given.rules ?? [])) };
  const layers = {
    denyAlways: targets(...(given.denyAlways ?? [])),
    allowAlways: targets(...(given.allowAlways ?? [])),
    user,
  };
  const options = { policy: user, compiled: compilePolicy(layers), wildcards, ports };
  const flows = new Map((given.flows ?? []).map(readFlows));
  const flowsOf = (target: string) => flows.get(target) ?? [];
  const seen = { names: names.map(qname), addresses, flowsOf, isPartly: () => false };
  return runToEnd(suggestSteps(seen, options));
}

function readFlows(text: string): readonly [string, readonly FlowKind[]] {
  const [target = "", ...flows] = text.split(/: | /);
  const read = flows.map((flow): FlowKind => {
    const [protocol, port = "0"] = flow.split("/");
    const known = (["tcp", "udp", "icmp"] as const).find((one) => one === protocol);
    return { protocol: known ?? "other", port: Number(port) };
  });
  return [target, read];
}

const suggestedRules = (given: Given) => words(suggest(given).policy.egress);

describe("each name that was seen is allowed by itself", () => {
  test.each<[string, Given, readonly string[]]>([
    [
      "names of one domain stand together",
      { names: ["b.example.org", "example.com", "a.example.org"] },
      ["allow example.com", "allow a.example.org", "allow b.example.org"],
    ],
    [
      "also one that a wildcard allows",
      { names: ["a.example.org"], rules: ["allow *.example.org"] },
      ["allow a.example.org"],
    ],
    [
      "also one that the default action allows",
      { names: ["a.example.org"], defaultAction: "allow" },
      ["allow a.example.org"],
    ],
    [
      "not one that the operator always allows",
      { names: ["a.example.org"], allowAlways: ["a.example.org"] },
      [],
    ],
    [
      "an address without a name",
      { addresses: ["203.0.113.7", "2001:db8::7"] },
      ["allow 2001:db8::7", "allow 203.0.113.7"],
    ],
    [
      "the user's address rules stay, since what they let through is not seen",
      {
        names: ["a.example.org"],
        addresses: ["203.0.113.7"],
        rules: ["deny 203.0.113.9", "allow 203.0.113.0/24", "allow b.example.org"],
      },
      ["deny 203.0.113.9", "allow 203.0.113.0/24", "allow a.example.org"],
    ],
    ["a name that no rule can speak of is left out", { names: ["host.123"] }, []],
  ])("%s", (_, given, expected) => {
    expect(suggestedRules(given)).toEqual(expected);
  });
});

test("what a rule denies is left out, and named with the rule", () => {
  const { policy, leftOut } = suggest({
    names: ["ads.example.org", "meta.example.org", "www.example.org"],
    addresses: ["203.0.113.7"],
    rules: ["deny ads.example.org", "deny 203.0.113.0/24"],
    denyAlways: ["meta.example.org"],
  });
  expect(words(policy.egress)).toEqual(["deny 203.0.113.0/24", "allow www.example.org"]);
  expect(leftOut).toEqual([
    { target: "ads.example.org", layer: "user", rule: "ads.example.org" },
    { target: "meta.example.org", layer: "deny.always", rule: "meta.example.org" },
    { target: "203.0.113.7", layer: "user", rule: "203.0.113.0/24" },
  ]);
});

describe("with wildcards", () => {
  test.each<[string, Given, readonly string[]]>([
    [
      "siblings become one",
      { names: ["a.cdn.example.org", "b.cdn.example.org", "cdn.example.org"] },
      ["allow cdn.example.org", "allow *.cdn.example.org"],
    ],
    [
      "one that covers another stands alone",
      {
        names: ["a.example.org", "b.example.org", "a.x.example.org", "b.x.example.org"],
      },
      ["allow *.example.org"],
    ],
    [
      "a name without a sibling stays",
      { names: ["a.example.org", "b.example.com"] },
      ["allow b.example.com", "allow a.example.org"],
    ],
    [
      "not below what registries sell",
      { names: ["one.co.uk", "two.co.uk", "one.org", "two.org"] },
      ["allow one.org", "allow two.org", "allow one.co.uk", "allow two.co.uk"],
    ],
    [
      "not below a host that is everybody's",
      { names: ["a.github.io", "b.github.io"] },
      ["allow a.github.io", "allow b.github.io"],
    ],
    [
      "not where a rule denies a name below it",
      {
        names: ["a.example.org", "b.example.org"],
        rules: ["deny ads.example.org"],
      },
      ["allow a.example.org", "allow b.example.org"],
    ],
    [
      "not below a wildcard that is denied",
      {
        names: ["a.example.org", "b.example.org"],
        rules: ["allow a.example.org", "allow b.example.org", "deny *.example.org"],
      },
      ["allow a.example.org", "allow b.example.org"],
    ],
  ])("%s", (_, given, expected) => {
    expect(suggestedRules({ ...given, wildcards: true })).toEqual(expected);
  });
});

test("whatever the policy, all that was seen is let through but for what is left out, and nothing that a rule denies", () => {
  const anyGiven = fc.record({
    names: fc.uniqueArray(anyName, { maxLength: 12 }),
    rules: fc.array(anyRule, { maxLength: 6 }),
    defaultAction: anyAction,
    denyAlways: fc.array(anyName, { maxLength: 2 }),
    wildcards: fc.boolean(),
  });
  fc.assert(
    fc.property(anyGiven, (given) => {
      const { policy, leftOut } = suggest(given);
      const layers = (user: typeof policy) => ({
        denyAlways: targets(...given.denyAlways),
        allowAlways: [],
        user,
      });
      const before = compilePolicy(
        layers({ defaultAction: given.defaultAction, egress: rules(...given.rules) }),
      );
      const after = compilePolicy(layers(policy));
      for (const name of given.names) {
        const isLeftOut = leftOut.some(({ target }) => target === name);
        const decided = decideName(before, qname(name));
        expect(isLeftOut).toBe(decided.action === "deny" && decided.rule !== undefined);
        expect([name, decideName(after, qname(name)).action]).toEqual([name, isLeftOut ? "deny" : "allow"]);
      }
    }),
  );
});
