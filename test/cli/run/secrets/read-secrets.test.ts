import { expect, test } from "vitest";
import { askShell, readSecrets } from "../../../../src/cli/run/secrets/read-secrets.ts";
import type { AskedSecret } from "../../../../src/cli/run/secrets/parse-secret.ts";

const TOOLS = { env: "/usr/bin/env", setpriv: "/usr/bin/setpriv" };

function asked(name: string, command?: string): AskedSecret {
  return { name, hosts: ["a.example.org"], header: undefined, command };
}

function read(secrets: readonly AskedSecret[], env: Readonly<Record<string, string>>): unknown {
  const shell = askShell({ PATH: process.env["PATH"], ...env }, undefined, TOOLS);
  const result = readSecrets(secrets, env, shell);
  return result.ok
    ? result.value.map(({ name, value }) => [name, value])
    : result.problems.map(({ path, message }) => `${path}: ${message}`);
}

test("values come from the environment, or from what a shell's command prints, without its last line's end", () => {
  const secrets = [asked("T"), asked("C", `printf '%s\\n' "of $T"`)];
  expect(read(secrets, { T: "value" })).toEqual([
    ["T", "value"],
    ["C", "of value"],
  ]);
});

test("blanks at a value's ends are no part of it, as a header has none", () => {
  const secrets = [asked("T"), asked("C", "printf ' a\\tb \\r\\n'")];
  expect(read(secrets, { T: "\tvalue " })).toEqual([
    ["T", "value"],
    ["C", "a\tb"],
  ]);
});

test("everything that is wrong is told at once, and no value is", () => {
  const secrets = [
    asked("T"),
    asked("E"),
    asked("L"),
    asked("F", "echo s3cr3t; exit 3"),
    asked("N", "true"),
    asked("M", "printf 's3cr3t\\nb'"),
    asked("B"),
    asked("P", "echo ' '"),
  ];
  const problems = read(secrets, { E: "", L: "s3cr3t\r\nX-Injected: 1", B: " \t" });
  expect(problems).toEqual([
    expect.stringContaining("--secret: T is not set"),
    expect.stringContaining("--secret: E is not set"),
    expect.stringContaining("--secret: the value of L has a control character"),
    expect.stringContaining("--secret-command: a command that should print a secret has failed: exit 3"),
    expect.stringContaining("--secret-command: the command for N has printed nothing"),
    expect.stringContaining("--secret-command: the value of M has a control character"),
    "--secret: the value of B is blank",
    "--secret-command: the value of P is blank",
  ]);
  expect(JSON.stringify(problems)).not.toContain("s3cr3t");
});
