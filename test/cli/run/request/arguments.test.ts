import { expect, test } from "vitest";
import { parseRunArguments } from "../../../../src/cli/run/request/arguments.ts";
import { renderPolicy } from "../../../../src/policy/policy.ts";

const FILES: Readonly<Record<string, string>> = {
  "policy.json": '{"defaultAction":"allow","egress":[{"action":"deny","target":"three.example.org"}]}',
  "blank.json": " \n",
  "broken.json": '{"egress":[{"action":"deny","target":"*"}]}',
};

function read(...argv: string[]): unknown {
  const parsed = parseRunArguments(argv, (path) => {
    const text = FILES[path];
    if (text === undefined) throw new Error("ENOENT: no such file");
    return text;
  });
  if (!parsed.ok) return parsed.problems.map(({ path, message }) => `${path}|${message}`);
  if (parsed.value === "help" || parsed.value === "clean") return parsed.value;
  const { defaultAction, egress } = renderPolicy(parsed.value.policy);
  const rules = egress.map(({ action, target }) => `${action} ${target}`);
  return { defaultAction, rules, command: parsed.value.command };
}

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
  });
  expect(read("--policy", "policy.json", "--default", "deny", "--", "true")).toMatchObject({
    defaultAction: "deny",
  });
  expect(read("--policy", "blank.json", "--", "true")).toMatchObject({ defaultAction: "deny", rules: [] });
});

test("--help wins over everything else on the line", () => {
  expect(read("--help")).toBe("help");
  expect(read("-h", "--allow", "*")).toBe("help");
});

test.each([
  [[], /^\|no command: put it last, after --/],
  [["--"], /^\|no command/],
  [["curl", "http://one.example.org"], /^\|.*curl.*after --$/],
  [["--alow", "x", "--", "true"], /^\|.*--alow.*after --$/],
  [["--allow"], /^\|.*--allow/],
  [["--allow", "*", "--", "true"], /^--allow "\*"\|/],
  [["--deny", "https://x", "--", "true"], /^--deny "https:\/\/x"\|/],
  [["--default", "maybe", "--", "true"], /^--default\|"maybe" is neither allow nor deny/],
  [["--default", "", "--", "true"], /^--default\|"" is neither/],
  [["--policy", "none.json", "--", "true"], /^--policy none.json\|ENOENT/],
  [["--policy", "broken.json", "--", "true"], /^--policy broken.json: egress\[0\]\.target\|/],
])("%j is refused", (argv, reason) => {
  expect(read(...argv)).toEqual([expect.stringMatching(reason)]);
});

test("every problem is reported at once", () => {
  expect(read("--allow", "*", "--deny", "a b", "--default", "x", "--", "true")).toHaveLength(3);
});

test("--clean needs no command", () => {
  expect(read("--clean")).toBe("clean");
});
