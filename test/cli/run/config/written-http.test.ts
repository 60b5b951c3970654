/** Rules for requests in policy files, and as `--save` writes them. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { stringify } from "yaml";
import { parseConfig } from "../../../../src/cli/run/config/parse-config.ts";
import { renderConfig } from "../../../../src/cli/run/config/render-config.ts";
import { configSchema } from "../../../../src/cli/run/config/shape.ts";
import { renderRule, type RuleJson } from "../../../../src/policy/rule.ts";
import { valueOf } from "../../../support/policy.ts";

const rulesOf = (text: string): readonly RuleJson[] =>
  valueOf(parseConfig(text, "egress.yaml")).rules.map(renderRule);

const RULES: readonly RuleJson[] = [
  { action: "allow", target: "api.example.org", http: { methods: ["GET", "HEAD"], paths: ["/repos/*"] } },
  { action: "deny", target: "*.example.org", http: { paths: ["/admin/*"] } },
  { action: "allow", target: "*.example.org", ports: [80, 443], protocol: "tcp", http: { methods: ["get"] } },
];

test("a rule has http as in a policy of the API", () => {
  expect(rulesOf(JSON.stringify({ egress: RULES }))).toEqual(RULES);
  expect(rulesOf(stringify({ egress: RULES }))).toEqual(RULES);
});

const BAD: readonly (readonly [rule: object, problem: RegExp])[] = [
  [{ target: "a.org", http: {} }, /^:\d+ egress\[0\]\.http: says nothing/],
  [{ target: "a.org", http: "GET" }, /egress\[0\]\.http: must be keys such as/],
  [
    { target: "a.org", http: { method: ["GET"] } },
    /egress\[0\]\.http: there is no key "method": write methods/,
  ],
  [{ target: "a.org", http: { query: ["a"] } }, /there is no key "query"; there are methods, paths$/],
  [{ target: "a.org", http: { methods: "GET" } }, /egress\[0\]\.http\.methods: must be a list/],
  [{ target: "a.org", http: { methods: [] } }, /http\.methods: is empty/],
  [{ target: "a.org", http: { methods: ["G T"] } }, /http\.methods\[0\]: "G T" is no method/],
  [{ target: "a.org", http: { paths: ["repos"] } }, /egress\[0\]\.http\.paths\[0\]/],
  [{ target: "a.org", http: { paths: Array.from({ length: 65 }, () => "/") } }, /paths: has 65 entries/],
  [{ http: { methods: ["GET"] } }, /egress\[0\]\.http: needs a name or a wildcard/],
];
/** What no schema can tell. */
const BAD_FOR_READERS: typeof BAD = [
  [
    { target: "a.org", ports: [22], http: { paths: ["/"] } },
    /egress\[0\]\.ports: requests are read at ports/,
  ],
  [{ target: "a.org", protocol: "udp", http: { paths: ["/"] } }, /egress\[0\]\.protocol: http is over tcp/],
  [{ target: "192.0.2.7", http: { paths: ["/"] } }, /egress\[0\]\.http: needs a name or a wildcard/],
  [{ target: "a.org:443", http: { paths: ["/"] } }, /target: "a\.org:443" has a port/],
  [{ target: "a.org", http: { methods: ["CONNECT"] } }, /CONNECT never passes/],
  [{ target: "a.org", http: { paths: ["/a/*/b"] } }, /http\.paths\[0\]/],
];

test("what is wrong is named with its place", () => {
  for (const [rule, problem] of [...BAD, ...BAD_FOR_READERS]) {
    const found = parseConfig(JSON.stringify({ egress: [{ action: "allow", ...rule }] }), "");
    const told = found.ok ? "read" : found.problems.map(({ path, message }) => `${path} ${message}`).join();
    expect(told).toMatch(problem);
  }
});

test("the published schema takes such rules and refuses those that are none", () => {
  const validate = new Ajv2020({ strict: true }).compile(configSchema());
  const isTaken = (rule: object) => validate({ egress: [{ action: "allow", ...rule }] });
  for (const rule of RULES) expect([rule, isTaken(rule)]).toEqual([rule, true]);
  for (const [rule] of BAD) expect([rule, isTaken(rule)]).toEqual([rule, false]);
});

test.each(["saved.yaml", "saved.json"])("what is saved to %s speaks of the same requests", (path) => {
  const egress: readonly RuleJson[] = [...RULES, { action: "allow", target: "other.example.org" }];
  const written = renderConfig({ egress }, path, "what was tried");
  expect(rulesOf(written)).toEqual(egress);
});
