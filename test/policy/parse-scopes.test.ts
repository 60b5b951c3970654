import { describe, expect, test } from "vitest";
import { parseRulesJson, parseTargetsJson } from "../../src/policy/parse-policy.ts";
import { renderPolicy } from "../../src/policy/policy.ts";
import { type Problem, type Result, renderProblems } from "../../src/policy/problem.ts";
import { policyOf } from "../support/policy.ts";

function problemsOf(result: Result<unknown>): readonly Problem[] {
  return result.ok ? [] : result.problems;
}

describe("the scope of a rule", () => {
  test("is read and shown again as it was sent", () => {
    const egress = [
      { action: "allow", target: "db.example.org", ports: [5432], protocol: "TCP" },
      { action: "deny", ports: ["25", "8000-8080"] },
      { action: "allow", target: "192.0.2.0/24", protocol: "icmp" },
    ];
    expect(renderPolicy(policyOf({ egress })).egress).toEqual(egress);
  });

  test("a target that is null is as absent as one that is missing", () => {
    const sent = [{ action: "deny", target: null, ports: [25] }];
    expect(renderPolicy(policyOf({ egress: sent })).egress).toEqual([{ action: "deny", ports: [25] }]);
    expect(parseTargetsJson('[{"target":null,"ports":[25]}]')).toMatchObject({
      ok: true,
      value: [{ kind: "rule", target: { kind: "everywhere" }, scope: { key: "tcp/25" } }],
    });
  });

  test.each([
    [{ target: "a.example", ports: [0] }, "[0].ports[0]: 0 is no port"],
    [{ target: "a.example", ports: [443, "1-65536"] }, '[0].ports[1]: "1-65536" is no port'],
    [{ target: "a.example", ports: [true] }, "[0].ports[0]: true is no port"],
    [{ target: "a.example", ports: 443 }, "[0].ports: must be an array of ports"],
    [{ target: "a.example", ports: [] }, "[0].ports: is empty"],
    [{ target: "a.example", protocol: "sctp" }, '[0].protocol: "sctp" is no protocol'],
    [{ target: "a.example", protocol: 6 }, "[0].protocol: must be a string"],
    [{ target: null, ports: null }, "[0].target: is missing"],
    [{ target: "", ports: [443] }, "[0].target: is blank"],
    [{ action: "allow" }, "[0].target: is missing"],
    [{ ports: null }, "[0].target: is missing"],
    [
      { target: "a.example", app: "tls" },
      "[0].app: says what may be spoken, so only a rule that allows has it",
    ],
    [{ action: "deny", target: "a.example", ports: [22], app: "any" }, "[0].app: says what may be spoken"],
    [{ action: "allow", target: "a.example", protocol: "udp", app: "tls" }, "[0].protocol: app is over tcp"],
    [{ action: "allow", target: "a.example", app: ["tls"] }, "[0].app: must be a string"],
    [
      { action: "allow", target: "a.example", app: "tls", http: { methods: ["GET"] } },
      "[0].app: requests are read of bound hosts alone",
    ],
    [{ target: "a.example", app: "smtp" }, '[0].app: "smtp" is no app'],
  ])("%j is refused", (rule, problem) => {
    expect(renderProblems(problemsOf(parseRulesJson(JSON.stringify([rule]))))).toContain(problem);
  });
});

describe("what DELETE takes out", () => {
  test("is all of a target, or the one rule of an object", () => {
    const parsed = parseTargetsJson(
      '["a.example",{"target":"b.example","ports":[443]},{"ports":[25]},{"target":"c.example"}]',
    );
    expect(parsed).toMatchObject({
      ok: true,
      value: [
        { kind: "name", key: "a.example" },
        { kind: "rule", target: { key: "b.example" }, scope: { key: "tcp/443" } },
        { kind: "rule", target: { kind: "everywhere" }, scope: { key: "tcp/25" } },
        { kind: "rule", target: { key: "c.example" }, scope: undefined },
      ],
    });
  });

  test.each([
    ["[7]", "[0]: must be a string"],
    ["[{}]", "[0].target: is missing"],
    ['[{"target":null}]', "[0].target: is missing"],
    ['[{"target":"a.example","port":[443]}]', "[0].port: a removal has no such key: write ports"],
    ['[{"action":"allow","target":"a.example"}]', "[0].action: is not served"],
    ['[{"target":"a.example","ports":[0]}]', "[0].ports"],
    ['[{"target":7}]', "[0]: must be a string, or an object such as"],
  ])("%s is refused", (text, problem) => {
    expect(renderProblems(problemsOf(parseTargetsJson(text)))).toContain(problem);
  });
});
