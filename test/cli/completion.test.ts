import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { listCommands } from "../../src/cli/completion/words.ts";
import { runCli } from "../../src/cli/main.ts";
import { skipBecause } from "../support/skip.ts";

const run = promisify(execFile);

async function completionOf(...argv: readonly string[]) {
  const said = { out: "", err: "" };
  const code = await runCli(["completion", ...argv], {
    env: {},
    program: ["egress"],
    print: (text) => void (said.out += text),
    warn: (text) => void (said.err += text),
  });
  return { code, ...said };
}

/** What bash offers for the last of the words. */
async function inBash(...words: readonly string[]): Promise<readonly string[]> {
  const { out } = await completionOf("bash");
  const line = [
    `COMP_WORDS=(egress ${words.map((word) => `'${word}'`).join(" ")})`,
    `COMP_CWORD=${words.length}`,
    "_egress",
    String.raw`printf '%s\n' "\${COMPREPLY[@]}"`.replace("\\$", "$"),
  ];
  const { stdout } = await run("bash", ["--norc", "-c", [out, ...line].join("\n")]);
  return stdout.split("\n").filter((text) => text !== "");
}

const hasShell = (shell: string) =>
  run(shell, ["-c", "true"]).then(
    () => true,
    () => false,
  );

describe("bash", () => {
  test("completes commands", async () => {
    expect(await inBash("ex")).toEqual(["explain"]);
    expect(await inBash("s")).toEqual(["serve", "status", "suggest"]);
  });

  test("completes the options of a command, and no others", async () => {
    expect(await inBash("explain", "--pr")).toEqual(["--protocol"]);
    expect(await inBash("suggest", "--p")).toEqual(["--ports"]);
    expect(await inBash("suggest", "--q")).toEqual([]);
    expect(await inBash("policy", "a")).toEqual(["allow"]);
  });

  test("completes words that an option takes", async () => {
    expect(await inBash("explain", "--protocol", "")).toEqual(["tcp", "udp", "icmp"]);
    expect(await inBash("run", "--default", "d")).toEqual(["deny"]);
  });

  test("completes files where an option takes one", async () => {
    expect(await inBash("policy", "patch", "--file", "package.j")).toEqual(["package.json"]);
  });

  test("completes the command behind the dashes of a run", async () => {
    expect(await inBash("run", "--allow", "example.org", "--", "mkdi")).toContain("mkdir");
  });
});

test("zsh takes the script, and completes commands by it", async (context) => {
  if (!(await hasShell("zsh"))) skipBecause(context, "zsh is not installed");
  const { out } = await completionOf("zsh");
  const script = `compdef() { :; }; compadd() { shift; print -l -- "$@"; }\n${out}\nwords=(egress ""); CURRENT=2; _egress`;
  const { stdout } = await run("zsh", ["-f", "-c", script]);
  expect(stdout.split("\n")).toEqual(expect.arrayContaining(["explain", "suggest"]));
});

test("fish takes the script, and completes commands and options by it", async (context) => {
  if (!(await hasShell("fish"))) skipBecause(context, "fish is not installed");
  const { out } = await completionOf("fish");
  const complete = async (line: string) => {
    const { stdout } = await run("fish", ["--no-config", "-c", `${out}\ncomplete -C '${line}'`]);
    return stdout.split("\n").map((text) => text.split("\t", 1).join());
  };
  expect(await complete("egress ex")).toContain("explain");
  expect(await complete("egress explain --p")).toContain("--protocol");
});

test("each command of the help is there, with its options", () => {
  const commands = new Map(listCommands().map((command) => [command.name, command]));
  expect([...commands.keys()]).toEqual(
    expect.arrayContaining(["serve", "run", "policy", "explain", "suggest"]),
  );
  expect(commands.get("policy")?.subcommands).toEqual(
    expect.arrayContaining(["allow", "deny", "get", "reset"]),
  );
  const plain = new Set(["serve", "teardown", "completion"]);
  const without = [...commands.values()].filter(({ options }) => options.length < 2);
  expect(without.map(({ name }) => name).filter((name) => !plain.has(name))).toEqual([]);
});

test.each([[], ["tcsh"], ["bash", "zsh"]])("%j is refused", async (...argv) => {
  const { code, out, err } = await completionOf(...argv);
  expect([code, out]).toEqual([64, ""]);
  expect(err).toContain("give one of bash, zsh, fish");
});
