/** Ports and protocols in policy files, as lists have them and as rules do, and as `--save` writes them. */
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { parseConfig } from "../../../../src/cli/run/config/parse-config.ts";
import { renderConfig } from "../../../../src/cli/run/config/render-config.ts";
import { configSchema } from "../../../../src/cli/run/config/shape.ts";
import { renderPolicy } from "../../../../src/policy/policy.ts";
import { renderRule, type RuleJson, ruleKey } from "../../../../src/policy/rule.ts";
import { policyOf, valueOf } from "../../../support/policy.ts";

function rulesOf(text: string): readonly RuleJson[] {
  return valueOf(parseConfig(text, "egress.yaml")).rules.map(renderRule);
}

test("a target in a list may have a port and a protocol", () => {
  const text =
    "allow:\n  - db.example.org:5432\n  - '[2001:db8::7]:443'\n  - 192.0.2.7/icmp\ndeny:\n  - '*:25'\n  - 192.0.2.0/24:53/udp\n";
  expect(rulesOf(text)).toEqual([
    { action: "deny", ports: ["25"] },
    { action: "deny", target: "192.0.2.0/24", ports: ["53"], protocol: "udp" },
    { action: "allow", target: "db.example.org", ports: ["5432"] },
    { action: "allow", target: "2001:db8::7", ports: ["443"] },
    { action: "allow", target: "192.0.2.7", protocol: "icmp" },
  ]);
});

test("a port that is none is named with its line", () => {
  expect(parseConfig("allow:\n  - db.example.org:0\n", "egress.yaml")).toMatchObject({
    ok: false,
    problems: [{ path: "egress.yaml:2", message: expect.stringContaining('"0" is no port') }],
  });
});

const RULES: readonly RuleJson[] = [
  { action: "deny", ports: [25, "8000-8080"] },
  { action: "allow", target: "*.example.org", ports: [443, "8000-8080"], protocol: "tcp" },
  { action: "deny", target: "2001:db8::/32", protocol: "udp" },
  { action: "allow", target: "db.example.org", ports: ["1", 65_535] },
  { action: "allow", protocol: "icmp" },
];

test("a rule has ports and a protocol as in a policy of the API", () => {
  expect(rulesOf(JSON.stringify({ egress: RULES }))).toEqual(RULES);
  expect(rulesOf(stringify({ egress: RULES }))).toEqual(RULES);
});

const GOOD: readonly object[] = [...RULES, { action: "allow", target: "db.example.org:5432" }];
const BAD: readonly (readonly [rule: object, problem: RegExp])[] = [
  [{ target: "a.org", ports: [0] }, /^:\d+ egress\[0\]\.ports\[0\]: 0 is no port/],
  [{ target: "a.org", ports: [443, 65_536] }, /egress\[0\]\.ports\[1\]: 65536 is no port/],
  [{ target: "a.org", ports: [1.5] }, /ports\[0\]: 1\.5 is no port/],
  [{ target: "a.org", ports: [true] }, /ports\[0\]: must be a port/],
  [{ target: "a.org", ports: [] }, /ports: is empty/],
  [{ target: "a.org", ports: 443 }, /ports: must be a list of ports/],
  [{ target: "a.org", ports: Array.from({ length: 257 }, () => 1) }, /ports: has 257 entries/],
  [{ target: "a.org", protocol: "sctp" }, /protocol: must be one of tcp, udp, icmp/],
  [{}, /target: is missing/],
];
/** What no schema can tell. */
const BAD_FOR_READERS: typeof BAD = [
  [{ target: "a.org", ports: ["8080-8000"] }, /ports\[0\]: "8080-8000" is no port/],
  [{ target: "a.org", ports: ["65536"] }, /ports\[0\]: "65536" is no port/],
  [{ target: "a.org", ports: [22], protocol: "icmp" }, /protocol: icmp has no ports/],
  [{ target: "a.org:443", ports: [443] }, /target: "a\.org:443" has a port: write the target alone/],
];

test("ports that are none are named with their place", () => {
  for (const [rule, problem] of [...BAD, ...BAD_FOR_READERS]) {
    const found = parseConfig(JSON.stringify({ egress: [{ action: "allow", ...rule }] }), "");
    const told = found.ok ? "read" : found.problems.map(({ path, message }) => `${path} ${message}`).join();
    expect(told).toMatch(problem);
  }
});

test("the published schema takes rules with ports and refuses those that are none", () => {
  const validate = new Ajv2020({ strict: true }).compile(configSchema());
  const isTaken = (rule: object) => validate({ egress: [{ action: "allow", ...rule }] });
  for (const rule of GOOD) expect([rule, isTaken(rule)]).toEqual([rule, true]);
  for (const [rule] of BAD) expect([rule, isTaken(rule)]).toEqual([rule, false]);
});

test.each(["saved.yaml", "saved.json"])("what is saved to %s allows and denies the same flows", (path) => {
  const { egress } = policyOf({ egress: RULES });
  const written = renderConfig(renderPolicy({ defaultAction: "deny", egress }), path, "what was tried");
  const words = valueOf(parseConfig(written, path)).rules;
  expect(words.map(renderRule)).toEqual([
    ...RULES.slice(0, 3),
    { action: "allow", target: "db.example.org", ports: ["1"] },
    { action: "allow", target: "db.example.org", ports: ["65535"] },
    { action: "allow", protocol: "icmp" },
  ]);
  expect(words.map(ruleKey)).not.toContain("db.example.org");
  expect(parse(written)).toMatchObject({ allow: ["db.example.org:1", "db.example.org:65535", "*/icmp"] });
});
