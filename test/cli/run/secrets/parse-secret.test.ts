import { describe, expect, test } from "vitest";
import { parseSecret, parseSecretCommand } from "../../../../src/cli/run/secrets/parse-secret.ts";
import type { Result } from "../../../../src/policy/problem.ts";

const SECRET = { command: undefined, header: undefined };

function show(result: Result<unknown>): unknown {
  return result.ok ? result.value : result.problems.map(({ path, message }) => `${path}: ${message}`).join();
}

test.each([
  ["GITHUB_TOKEN@api.example.org", { ...SECRET, name: "GITHUB_TOKEN", hosts: ["api.example.org"] }],
  [
    "T@a.example.org,b.example.org,a.example.org",
    { ...SECRET, name: "T", hosts: ["a.example.org", "b.example.org"] },
  ],
  ["T@*.Example.org.", { ...SECRET, name: "T", hosts: ["*.example.org"] }],
  [
    "_K1@api.example.org:x-api-key",
    { ...SECRET, name: "_K1", hosts: ["api.example.org"], header: "x-api-key" },
  ],
])("--secret %s", (text, secret) => {
  expect(show(parseSecret(text))).toEqual(secret);
});

describe("--secret is refused", () => {
  test.each([
    ["T=s3cr3t@api.example.org", "a value has no place on the command line"],
    ["T=s3cr3t", "a value has no place on the command line"],
    ["T", "names no host"],
    ["T@", "is blank"],
    ["T@localhost", "has no dot"],
    ["T@192.0.2.1", "is an address"],
    ["T@https://api.example.org", "has no dot"],
    ["T@api.example.org/v1", "must be a fully qualified host name"],
    ["T@api.example.org:443", "is a port"],
    ["T@api.example.org:x y", "is no header name"],
    ["1T@api.example.org", "is no name of a variable"],
    ["OPENSANDBOX_EGRESS_TOKEN@api.example.org", "is a setting of the sidecar"],
    ["T@a.example.org,", "is blank"],
  ])("%s: %s", (text, message) => {
    expect(show(parseSecret(text))).toContain(message);
    expect(show(parseSecret(text))).not.toContain("s3cr3t");
  });
});

test("--secret-command has its command behind the first = after the hosts", () => {
  expect(show(parseSecretCommand("T@a.example.org:x-key=pass show a=b | head -n1"))).toEqual({
    name: "T",
    hosts: ["a.example.org"],
    header: "x-key",
    command: "pass show a=b | head -n1",
  });
});

test.each([
  ["T@a.example.org", "then = and the command"],
  ["T@a.example.org= ", "has no command"],
  ["T=pass show a@a.example.org", "then = and the command"],
  ["@a.example.org=pass", "is no name of a variable"],
])("--secret-command %s is refused: %s", (text, message) => {
  expect(show(parseSecretCommand(text))).toContain(message);
});
