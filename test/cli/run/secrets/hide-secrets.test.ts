import { expect, test } from "vitest";
import { hideSecrets, requireUnheld } from "../../../../src/cli/run/secrets/hide-secrets.ts";
import { hideFromCommand } from "../../../../src/cli/run/secrets/run-secrets.ts";
import type { HeldSecret } from "../../../../src/cli/run/secrets/secret-bindings.ts";

function held(name: string, value: string): HeldSecret {
  return {
    name,
    hosts: ["a.example.org"],
    header: undefined,
    command: undefined,
    value,
    placeholder: `<${name}>`,
  };
}

test("the variable gets the placeholder, and so does every other that holds the value", () => {
  const env = {
    GITHUB_TOKEN: "s3cr3t-t0ken",
    GH_TOKEN: "s3cr3t-t0ken",
    URL: "https://x:s3cr3t-t0ken@a.example.org/",
    HOME: "/",
  };
  expect(hideSecrets(env, [held("GITHUB_TOKEN", "s3cr3t-t0ken")])).toEqual({
    env: {
      GITHUB_TOKEN: "<GITHUB_TOKEN>",
      GH_TOKEN: "<GITHUB_TOKEN>",
      URL: "https://x:<GITHUB_TOKEN>@a.example.org/",
      HOME: "/",
    },
    alsoHeld: ["GH_TOKEN", "URL"],
    takenOut: [],
    leftAsTheyAre: [],
  });
});

test("a variable that holds the value in another spelling is taken out", () => {
  const coded = Buffer.from("robot:s3cr3t-t0ken").toString("base64");
  expect(
    hideSecrets({ AUTH: coded, HEX: Buffer.from("s3cr3t-t0ken").toString("hex") }, [
      held("T", "s3cr3t-t0ken"),
    ]),
  ).toEqual({
    env: { AUTH: undefined, HEX: undefined, T: "<T>" },
    alsoHeld: [],
    takenOut: ["AUTH", "HEX"],
    leftAsTheyAre: [],
  });
});

test("of two secrets within each other the longer goes first, and a value is no pattern", () => {
  const secrets = [held("A", "s3cr3t-1"), held("B", "s3cr3t-1$&s3cr3t-1")];
  expect(hideSecrets({ X: "s3cr3t-1$&s3cr3t-1 s3cr3t-1" }, secrets).env["X"]).toBe("<B> <A>");
});

test("a short one is taken out of a variable that is nothing else, and the others stay as they are", () => {
  const env = {
    PW: "root",
    PGPASSWORD: "root",
    USER: "root",
    HOME: "/root",
    PATH: "/root/bin:/usr/bin",
    CODED: Buffer.from("x:root").toString("base64"),
    LANG: "C",
  };
  expect(hideSecrets(env, [held("PW", "root")])).toEqual({
    env: { ...env, PW: "<PW>", PGPASSWORD: "<PW>" },
    alsoHeld: ["PGPASSWORD"],
    takenOut: [],
    leftAsTheyAre: ["USER", "HOME", "PATH"],
  });
});

function notesOf(value: string): readonly string[] {
  return hideFromCommand({ PW: value, HOME: "/root" }, { secrets: [held("PW", value)], reads: [] }).notes;
}

test("the caller is told what a short one comes to, and which variables have it", () => {
  expect(notesOf("s3cr3t-t0ken")).toEqual([]);
  expect(notesOf("pin1")).toEqual([expect.stringContaining("PW is short: wherever the text stands")]);
  expect(notesOf("root")).toEqual([
    expect.stringContaining("PW is short"),
    expect.stringMatching(/these variables have it and are left: HOME$/),
  ]);
});

test.each([
  [["curl", "-H", "Authorization: Bearer s3cr3t-t0ken"], "argument 2 of the command holds the value of T"],
  [["curl", "-u", `x:${Buffer.from("s3cr3t-t0ken").toString("hex")}`], "argument 2 of the command"],
  [["/opt/s3cr3t-t0ken/run"], "the command's name holds the value of T"],
])("a command that has the value in its arguments is refused: %j", (command, message) => {
  const result = requireUnheld(command, [held("T", "s3cr3t-t0ken")]);
  const said = result.ok ? "" : result.problems.map((problem) => problem.message).join();
  expect(said).toContain(message);
  expect(said).not.toContain("s3cr3t");
});

test("a command without it, and one with a word that a short secret has, too, is taken", () => {
  const command = ["sh", "-c", 'curl -H "Authorization: $T" https://a.example.org/'];
  expect(requireUnheld(command, [held("T", "s3cr3t-t0ken"), held("U", "curl")])).toEqual({
    ok: true,
    value: command,
  });
});
