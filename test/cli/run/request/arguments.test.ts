import { expect, test } from "vitest";
import { parseRunArguments } from "../../../../src/cli/run/request/arguments.ts";
import { presentOrigins, presentPolicy } from "../../../../src/cli/run/request/present.ts";
import { accepted, refused } from "../../../../src/policy/problem.ts";
import { rules, words } from "../../../support/policy.ts";

const FILES: Readonly<Record<string, string>> = {
  "policy.json": '{"defaultAction":"allow","egress":[{"action":"deny","target":"three.example.org"}]}',
  "blank.json": " \n",
  "egress.yaml": `# what our build needs
defaultAction: deny
egress:
  - action: allow
    target: api.example.org
deny: ["*.example.org"]
allow:
  - example.org
  - 192.0.2.0/24
presets: [models]
`,
  "requests.json": '{"egress":[{"action":"allow","target":"a.example.org","http":{"paths":["/repos/*"]}}]}',
  "open.yaml": "defaultAction: allow\n",
  "wide.yaml": 'allow: [0.0.0.0/0, "::/0"]\n',
  "halves.yaml": "allow: [0.0.0.0/1, 128.0.0.0/1]\n",
  "ports.yaml": "egress: [{ action: allow, ports: [443], protocol: tcp }]\n",
  "many.yaml": `deny: [x.example.org]\nallow: [${[1, 2, 3, 4, 5, 6, 7].map((n) => `a${n}.example.org`).join(", ")}]\n`,
  "broken.json": '{"egress":[{"action":"deny","target":"*"}]}',
};

const PRESETS: Readonly<Record<string, readonly string[]>> = {
  code: ["code.example.org", "*.code.example.org"],
  models: ["models.example.org"],
};

/** `found`: the file that stands in the working directory. */
function readAt(found: string | undefined, ...argv: string[]): unknown {
  const parsed = parseRunArguments(argv, {
    readText(path) {
      const text = FILES[path];
      if (text === undefined) throw Object.assign(new Error("no such file"), { code: "ENOENT" });
      return text;
    },
    findConfig: () =>
      accepted(
        found === undefined ? undefined : { path: `/repo/${found}`, text: FILES[found] ?? "", writers: [0] },
      ),
    readPreset(name) {
      const targets = PRESETS[name];
      return targets === undefined
        ? refused("there is no such preset", `--preset ${name}`)
        : accepted({ path: `/presets/${name}.yaml`, rules: rules(...targets.map((one) => `allow ${one}`)) });
    },
  });
  if (!parsed.ok) return parsed.problems.map(({ path, message }) => `${path}|${message}`);
  if (parsed.value === "help" || parsed.value === "clean") return parsed.value;
  if ("show" in parsed.value) return presentPolicy(parsed.value.show);
  const { policy, origins, command } = parsed.value;
  return {
    defaultAction: policy.defaultAction,
    rules: words(policy.egress),
    command,
    ...(origins.length === 0 ? {} : { origins: presentOrigins({ policy, origins }) }),
  };
}

const read = (...argv: string[]): unknown => readAt(undefined, ...argv);

test("rules keep the order of the command line", () => {
  expect(
    read("--allow", "a.example.org", "--deny", "*.example.org", "--allow=192.0.2.0/24", "--", "true"),
  ).toEqual({
    defaultAction: "deny",
    rules: ["allow a.example.org", "deny *.example.org", "allow 192.0.2.0/24"],
    command: ["true"],
  });
});

test("what follows -- is the command's, whatever it looks like", () => {
  expect(read("--", "curl", "--allow", "x", "--", "-v")).toEqual({
    defaultAction: "deny",
    rules: [],
    command: ["curl", "--allow", "x", "--", "-v"],
  });
});

test("rules of the command line come before those of the file, --default wins over the file's", () => {
  expect(read("--policy", "policy.json", "--allow", "a.example.org", "--", "true")).toEqual({
    defaultAction: "allow",
    rules: ["allow a.example.org", "deny three.example.org"],
    command: ["true"],
    origins: ["takes 1 rule and the default action allow of policy.json"],
  });
  expect(read("--policy", "policy.json", "--default", "deny", "--", "true")).toMatchObject({
    defaultAction: "deny",
  });
  expect(read("--policy", "blank.json", "--", "true")).toMatchObject({ defaultAction: "deny", rules: [] });
});

test("a list with commas is as many rules, and a preset's rules stand where it is named", () => {
  expect(
    read(
      "--allow",
      "a.example.org,b.example.org",
      "--preset",
      "code,models",
      "--deny=c.example.org",
      "--",
      "true",
    ),
  ).toMatchObject({
    rules: [
      "allow a.example.org",
      "allow b.example.org",
      "allow code.example.org",
      "allow *.code.example.org",
      "allow models.example.org",
      "deny c.example.org",
    ],
    origins: ["takes 2 rules of /presets/code.yaml", "takes 1 rule of /presets/models.yaml"],
  });
});

test("the file that is found comes after the line: its rules, what it denies, what it allows, its presets", () => {
  expect(readAt("egress.yaml", "--allow", "a.example.org", "--", "true")).toMatchObject({
    defaultAction: "deny",
    rules: [
      "allow a.example.org",
      "allow api.example.org",
      "deny *.example.org",
      "allow example.org",
      "allow 192.0.2.0/24",
      "allow models.example.org",
    ],
    origins: [
      "takes 4 rules and the default action deny of /repo/egress.yaml, found here: it allows api.example.org, example.org, 192.0.2.0/24",
      "takes 1 rule of /presets/models.yaml",
    ],
  });
});

test("--no-config and --config leave the file that is found alone", () => {
  expect(readAt("egress.yaml", "--no-config", "--", "true")).toMatchObject({ rules: [] });
  expect(readAt("egress.yaml", "--config", "policy.json", "--", "true")).toMatchObject({
    rules: ["deny three.example.org"],
    origins: ["takes 1 rule and the default action allow of policy.json"],
  });
});

test.each([
  ["open.yaml", /^\/repo\/open\.yaml\|defaultAction: allow opens all that no rule denies; .*--config/],
  ["wide.yaml", /^\/repo\/wide\.yaml\|allow 0\.0\.0\.0\/0 opens more than it names; .*--config/],
  ["halves.yaml", /^\/repo\/halves\.yaml\|allow 0\.0\.0\.0\/1 opens more than it names; /],
  ["ports.yaml", /^\/repo\/ports\.yaml\|allow every destination tcp\/443 opens more than it names; /],
])("what is found in %s and opens everything is refused, with --quiet, too", (file, reason) => {
  expect(readAt(file, "--quiet", "--", "true")).toEqual(
    expect.arrayContaining([expect.stringMatching(reason)]),
  );
  expect(readAt(file, "--config", file, "--", "true")).toMatchObject({ command: ["true"] });
});

test("a default action of the line decides over the one of the file that is found", () => {
  for (const action of ["allow", "deny"])
    expect(readAt("open.yaml", "--default", action, "--", "true")).toMatchObject({
      defaultAction: action,
      origins: ["takes 0 rules of /repo/open.yaml, found here: it allows nothing by itself"],
    });
});

test("of many targets of a file that is found the first are told", () => {
  expect(readAt("many.yaml", "--", "true")).toMatchObject({
    origins: [
      "takes 8 rules of /repo/many.yaml, found here: it allows a1.example.org, a2.example.org, a3.example.org, a4.example.org, a5.example.org and 2 more",
    ],
  });
});

test("a file that is found and is no policy says how to do without", () => {
  expect(readAt("broken.json", "--", "true")).toEqual([
    expect.stringMatching(/^\/repo\/broken\.json:1\|egress\[0\]\.target: "\*"/),
    "/repo|if this file is no policy of egress run: --no-config",
  ]);
});

test("--dry-run shows the whole policy with where each rule is from, and needs no command", () => {
  expect(readAt("egress.yaml", "--dry-run", "--deny", "x.example.org")).toBe(`  deny  x.example.org
  allow api.example.org   (/repo/egress.yaml)
  deny  *.example.org   (/repo/egress.yaml)
  allow example.org   (/repo/egress.yaml)
  allow 192.0.2.0/24   (/repo/egress.yaml)
  allow models.example.org   (/presets/models.yaml)
default action: deny
`);
});

test("--help wins over everything else on the line", () => {
  expect(read("--help")).toBe("help");
  expect(read("-h", "--allow", "*")).toBe("help");
});

test.each([
  [[], /^\|no command: put it last, after --/],
  [["--"], /^\|no command/],
  [
    ["--allow", "x", "curl", "-s", "http://one.example.org"],
    /^\|"curl" is no option; .* after --: egress run \.\.\. -- curl -s http:\/\/one\.example\.org$/,
  ],
  [["--alow", "x", "--", "true"], /^\|.*--alow.*after --$/],
  [["--allow"], /^\|.*--allow/],
  [["--allow", "*", "--", "true"], /^--allow "\*"\|/],
  [["--deny", "https://x", "--", "true"], /^--deny "https:\/\/x"\|/],
  [["--default", "maybe", "--", "true"], /^--default\|"maybe" is neither allow nor deny/],
  [["--default", "", "--", "true"], /^--default\|"" is neither/],
  [["--policy", "none.json", "--", "true"], /^--config none.json\|there is no such file/],
  [
    ["--policy", "broken.json", "--", "true"],
    /^--config broken.json: broken.json:1\|egress\[0\]\.target: "\*"/,
  ],
  [
    ["--config", "policy.json", "--no-config", "--", "true"],
    /^\|--config, --policy and --no-config: give one/,
  ],
  [["--allow", "a.example.org,,b.example.org", "--", "true"], /^--allow ""\|is blank/],
  [["--preset", "none", "--", "true"], /^--preset none\|there is no such preset/],
])("%j is refused", (argv, reason) => {
  expect(read(...argv)).toEqual([expect.stringMatching(reason)]);
});

test("every problem is reported at once", () => {
  expect(read("--allow", "*", "--deny", "a b", "--default", "x", "--", "true")).toHaveLength(3);
});

test("--clean needs no command", () => {
  expect(read("--clean")).toBe("clean");
});

test("hosts that get a secret are allowed by that, behind what the line says and before the file's rules", () => {
  const shown = readAt(
    "egress.yaml",
    "--secret",
    "T@*.example.org,b.example.net",
    "--deny",
    "x.example.org",
    "--dry-run",
  );
  expect(shown).toMatch(
    /^  deny  x\.example\.org\n  allow \*\.example\.org\n  allow b\.example\.net\n  allow api\.example\.org/,
  );
});

/** With rules for requests to a.example.org, and this secret. */
const shown = (secret: string): unknown => read("--config", "requests.json", "--secret", secret, "--dry-run");

test("a host whose requests the file's rules speak of is not allowed by getting a secret", () => {
  const ruled = "  allow a.example.org http /repos/*   (requests.json)\ndefault action: deny\n";
  expect(shown("T@a.example.org,b.example.net")).toBe(`  allow b.example.net\n${ruled}`);
  expect(shown("T@*.example.org")).toBe(ruled);
});

test.each([
  [["--secret", "T=s3cr3t@a.example.org"], "--secret|a value has no place on the command line"],
  [["--secret", "T@a.example.org", "--secret-command", "T@b.example.org=pass"], "--secret|T is given twice"],
])("%j is refused", (argv, message) => {
  expect(JSON.stringify(readAt(undefined, ...argv, "--", "true"))).toContain(message);
});

const allowPorts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => ["--allow", `example.org:${index + 1}`]).flat();

test("more than 256 different sets of ports are refused before anything is started", () => {
  expect(read(...allowPorts(257), "--", "true")).toEqual([
    expect.stringMatching(/^\|egress rules name 257 different sets of ports, which exceeds limit 256: give/),
  ]);
  expect(read(...allowPorts(256), "--", "true")).toMatchObject({ command: ["true"] });
});
