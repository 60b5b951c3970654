/** Policy files as people write them, right and wrong; each problem has file, line and remedy. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Ajv2020 } from "ajv/dist/2020.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../../../src/cli/run/config/parse-config.ts";
import { configSchema } from "../../../../src/cli/run/config/shape.ts";
import { words } from "../../../support/policy.ts";

function read(text: string): unknown {
  const result = parseConfig(text, "egress.yaml");
  if (!result.ok) return result.problems.map(({ path, message }) => `${path}|${message}`);
  const { rules, ...rest } = result.value;
  return { ...rest, rules: words(rules) };
}

const NOTHING = { defaultAction: undefined, presets: [], rules: [] };

const GOOD: readonly (readonly [string, string, object])[] = [
  ["a blank file", " \n", NOTHING],
  ["comments alone", "# nothing yet\n", NOTHING],
  ["lists that are empty so far", "allow:\n# - example.org\npresets:\n", NOTHING],
  [
    "a list of targets",
    "allow:\n  - example.org\n  - '*.example.org'\n",
    { rules: ["allow example.org", "allow *.example.org"] },
  ],
  [
    "addresses",
    "deny: [192.0.2.0/24, 2001:db8::/32]",
    { rules: ["deny 192.0.2.0/24", "deny 2001:db8::/32"] },
  ],
  [
    "a policy of the API, with tabs",
    '{\n\t"egress": [\n\t\t{"action": "allow", "target": "example.org"}\n\t],\n\t"defaultAction": "allow"\n}\n',
    { defaultAction: "allow", rules: ["allow example.org"] },
  ],
  [
    "what says who has written it, and when",
    "$schema: x\ndescription: ours\nsources: [https://example.org/]\ndate: 2026-11-29\nallow: [example.org]\n",
    { rules: ["allow example.org"] },
  ],
  ["presets", "presets: [code-hosts, model-apis]", { presets: ["code-hosts", "model-apis"] }],
];

const BAD: readonly (readonly [string, string, RegExp])[] = [
  [
    "an unknown key",
    "allow: []\nports: [443]\n",
    /^egress\.yaml:2\|there is no key "ports"; there are .*allow/,
  ],
  ["another's key", "rules: []\n", /^egress\.yaml:1\|there is no key "rules": write egress$/],
  ["the default by a short name", "default: allow", /:1\|there is no key "default": write defaultAction$/],
  [
    "a rule's unknown key",
    "egress:\n  - action: allow\n    target: a.org\n    port: 1\n",
    /:4\|egress\[0\]: there is no key "port": write ports$/,
  ],
  [
    "a rule's other key",
    "egress:\n  - action: allow\n    target: a.org\n    apps: tls\n",
    /:4\|egress\[0\]: there is no key "apps"; there are action, target, ports, protocol, app, http$/,
  ],
  [
    "a rule's empty ports",
    "egress:\n  - action: allow\n    target: a.org\n    ports:\n",
    /:\d\|egress\[0\]\.ports: must be a list of ports$/,
  ],
  [
    "a rule's protocol that is none",
    "egress:\n  - action: allow\n    target: a.org\n    protocol: sctp\n",
    /:4\|egress\[0\]\.protocol: must be one of tcp, udp, icmp$/,
  ],
  [
    "a wildcard without quotes",
    "allow:\n  - a.org\n  - *.example.org\n",
    /:3\|\*\.example\.org without quotes .* write "\*\.example\.org"$/,
  ],
  ["a target that can match nothing", 'allow:\n  - a.org\n  - "*"\n', /:3\|allow\[1\]: "\*"/],
  ["a URL", "deny:\n  - https://example.org/\n", /:2\|deny\[0\]: .*write its host name alone/],
  ["a number", "allow:\n  - 1.5\n", /:2\|allow\[0\]: must be text; put it into quotes$/],
  ["no list", "allow: example.org\n", /:1\|allow: must be a list$/],
  [
    "no action",
    "egress:\n  - target: example.org\n",
    /:2\|egress\[0\]\.action: is missing, must be allow or deny$/,
  ],
  ["a wrong action", "defaultAction: maybe\n", /:1\|defaultAction: must be allow or deny$/],
  ["no preset's name", "presets: [../x]\n", /:1\|presets\[0\]: "\.\.\/x" is no name of a preset/],
  ["a key twice", "allow: []\nallow: []\n", /:2\|Map keys must be unique$/],
  ["two documents", "allow: []\n---\nallow: []\n", /:2\|Source contains multiple documents/],
  ["broken JSON", '{"allow": [\n', /:2\|/],
  ["no object", "- example.org\n", /:1\|must be keys and values$/],
  ["a tag", "allow: !!js/function x\n", /:1\|Unresolved tag/],
  ["a key that is none", "__proto__: {}\n", /:1\|there is no key "__proto__"/],
  ["a bomb of aliases", `a: &a [x,x]\nallow: [*a,*a]`, /:2\|\*a without quotes/],
];

test.each(GOOD)("%s is read", (_case, text, expected) => {
  expect(read(text)).toEqual({ ...NOTHING, ...expected });
});

test.each(BAD)("%s is refused with its line", (_case, text, problem) => {
  expect(read(text)).toEqual([expect.stringMatching(problem)]);
});

test("all problems are told at once", () => {
  expect(read("allow: [a b, '*']\ndeny: [x/y]\n")).toHaveLength(3);
});

const SCHEMA = fileURLToPath(new URL("../../../../docs/egress.schema.json", import.meta.url));

test("the published schema is the code's", () => {
  expect(JSON.parse(readFileSync(SCHEMA, "utf8"))).toEqual(configSchema());
});

test("the schema takes what is read, and refuses unknown keys, wrong actions and wrong kinds", () => {
  const validate = new Ajv2020({ strict: true }).compile(configSchema());
  for (const [what, text] of GOOD.slice(2)) expect([what, validate(parse(text))]).toEqual([what, true]);
  const refusedByShape = BAD.filter(([, , problem]) =>
    /there is no key|must be (?!unique)|no name of a preset/.test(problem.source),
  );
  expect(refusedByShape.length).toBeGreaterThan(8);
  for (const [what, text] of refusedByShape) expect([what, validate(parse(text))]).toEqual([what, false]);
});
