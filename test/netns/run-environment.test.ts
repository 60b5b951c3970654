/** The command of `egress run` gets the arguments and the environment of the run, octet for octet. */
import { chownSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Argv } from "../../src/netns/command.ts";
import { EGRESS } from "../support/machine.ts";
import { openShellTerminal } from "../support/shell-terminal.ts";
import { MAIN } from "../support/tested-program.ts";
import { useLab } from "../support/use-lab.ts";
import { useMachine } from "../support/use-machine.ts";
import { asUser, makePlaceOf } from "../support/without-root.ts";

const lab = useLab();
const machine = useMachine(lab);

const PYTHON = "/usr/bin/python3";
/** Starts the rest of its arguments with what is added in its own, as octets in hexadecimal digits. */
const GIVE = `import json, os, sys
given = json.loads(sys.argv[1])
env = dict(os.environb)
env.update((bytes.fromhex(name), bytes.fromhex(value)) for name, value in given["env"])
if given["folder"]: os.makedirs(bytes.fromhex(given["folder"])); os.chdir(bytes.fromhex(given["folder"]))
args = [word.encode() for word in sys.argv[2:]] + [bytes.fromhex(word) for word in given["args"]]
os.execvpe(args[0], args, env)`;
/** Prints what it was started with: its arguments and its variables as the kernel has them. */
const SHOW = `import json, os
read = lambda name: [word.hex() for word in open("/proc/self/" + name, "rb").read().split(b"\\0")[:-1]]
shown = dict(args=read("cmdline")[3:], env=read("environ"), descriptors=sorted(os.listdir("/proc/self/fd")))
print(json.dumps(shown))`;

interface Given {
  readonly env?: Readonly<Record<string, Buffer | string>>;
  readonly args?: readonly (Buffer | string)[];
  readonly folder?: Buffer;
}

const hex = (octets: Buffer | string): string => Buffer.from(octets).toString("hex");
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");

function giving({ env = {}, args = [], folder }: Given): Argv {
  const variables = Object.entries(env).map(([name, value]) => [latin1(name).toString("hex"), hex(value)]);
  const given = { env: variables, args: args.map(hex), folder: folder === undefined ? null : hex(folder) };
  return [PYTHON, "-c", GIVE, JSON.stringify(given)];
}

/** What the command has of it; names are latin1, values too. */
function read(stdout: string): { readonly args: readonly Buffer[]; readonly env: Map<string, string> } {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is what SHOW prints
  const shown = JSON.parse(stdout) as { args: string[]; env: string[]; descriptors: string[] };
  expect(shown.descriptors).toEqual(["0", "1", "2", "3"]); // the last is of the listing itself
  const entries = shown.env.map((word) => Buffer.from(word, "hex").toString("latin1"));
  return { args: shown.args.map((word) => Buffer.from(word, "hex")), env: new Map(entries.map(splitEntry)) };
}

function splitEntry(entry: string): [name: string, value: string] {
  const end = entry.indexOf("=");
  return [entry.slice(0, end), entry.slice(end + 1)];
}

const EVERY_OCTET = Buffer.from(Array.from({ length: 255 }, (_none, index) => index + 1));
/** Names are latin1: most are no words of a shell, the others a shell uses itself. */
const VARIABLES = {
  "INPUT_NODE-VERSION": "22",
  "spring.datasource.url": "jdbc:x",
  "npm_config_//registry.example.org/:_authToken": "t",
  "BASH_FUNC_greet%%": "() {  echo hello\n}",
  "1st": "digit",
  'it\'s \\ "$HOME" #': "quotes",
  "caf\xe9": "name of other octets",
  script: "build.sh",
  directory: "/mine",
  terminal: "xterm",
  go: "1.22",
  how: "so",
  node: "mine",
  n: "1",
  p: "2",
  _1: "alias",
  IFS: "q",
  PPID: "77",
  OPTIND: "7",
  PWD: "/logical",
  OLDPWD: "/zzz",
  PS1: "mine",
  SHLVL: "41",
  LINES: "a\nb\n",
  EMPTY: "",
  OCTETS: EVERY_OCTET,
} as const;
const ARGUMENTS = ["", "a b", "caf\u00e9", latin1("caf\xe9"), EVERY_OCTET, "$HOME", "-n", "\ufffd"];

const expected = new Map(
  Object.entries(VARIABLES).map(([name, value]) => [name, Buffer.from(value).toString("latin1")]),
);
const ALL = {
  args: ARGUMENTS.map((one) => Buffer.from(one).toString("latin1")),
  variables: expected,
  ofTheRun: [],
};

/** What the command has of what was given, and what it has of the run's own. */
function ownOf(stdout: string): unknown {
  const { args, env } = read(stdout);
  return {
    args: args.map((one) => one.toString("latin1")),
    variables: new Map([...env].filter(([name]) => expected.has(name))),
    ofTheRun: [...env.keys()].filter(
      (name) => /EGRESS_(?:GIVEN|RUN)|^_\d+$/.test(name) && !expected.has(name),
    ),
  };
}

const given = giving({ env: VARIABLES, args: ARGUMENTS });
const command = ["--quiet", "--", PYTHON, "-c", SHOW];

test.each([
  ["Node starts the program", EGRESS],
  ["its own first lines do, by a shell", [MAIN] as const],
  ["its own first lines do, by bash", ["/bin/bash", "--posix", MAIN] as const],
])("names, values and arguments of any octets are the command's; %s", async (_case, program) => {
  const { exitCode, stdout, stderr } = await machine.run(command, { under: given, program });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(ownOf(stdout)).toEqual(ALL);
});

test("so they are as another user", async () => {
  const { stdout } = await machine.run(["--user", "4711:4712", ...command], { under: given });
  expect(ownOf(stdout)).toEqual(ALL);
});

test("nothing is added to an environment that has next to nothing", async () => {
  const under = ["/usr/bin/env", "-i", `PATH=/usr/sbin:/usr/bin`, "A-B=c"];
  const { stdout } = await machine.run(["--quiet", "--", PYTHON, "-c", SHOW], { under });
  expect([...read(stdout).env]).toEqual([
    ["PATH", "/usr/sbin:/usr/bin"],
    ["A-B", "c"],
  ]);
});

test("a command whose name has = in it is no variable, and one that begins with - no option", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-run-environment-"));
  const script = `cp /bin/echo "${folder}/a=b"; cp /bin/echo "${folder}/-i"; PATH=$PATH:${folder} exec "$@"`;
  const under = ["/bin/sh", "-c", script, "sh"];
  expect(await machine.run(["--quiet", "--", "a=b", "c"], { under })).toMatchObject({ stdout: "c\n" });
  expect(await machine.run(["--quiet", "--", "-i", "d"], { under })).toMatchObject({ stdout: "d\n" });
  await rm(folder, { recursive: true });
});

/** Starts the rest of its arguments with `env` as the line has changed it. */
function changing(line: string): Argv {
  const start = "os.execvpe(sys.argv[1], sys.argv[1:], env)";
  return [PYTHON, "-c", `import os, sys; env = dict(os.environ)\n${line}\n${start}`];
}

test("thousands of variables are handed on", async () => {
  const [name, count] = ["f'SERVICE-{n}_PORT_8080_TCP_ADDR'", "for n in range(4000)"];
  const script = `import os; print(all(os.environ[${name}] == str(n) ${count}))`;
  const give = `env.update((${name}, str(n)) ${count})`;
  const { stdout } = await machine.run(["--quiet", "--", PYTHON, "-c", script], { under: changing(give) });
  expect(stdout).toBe("True\n");
});

test.each([
  [
    "a variable",
    "env['A'] = 'x' * 131069",
    'the variable "A" has 131069 octets: the kernel takes no longer ones',
  ],
  [
    "all of it",
    `import resource; resource.setrlimit(resource.RLIMIT_STACK, (2 << 20, resource.RLIM_INFINITY))
env.update((f'V{n}', 'x' * 60) for n in range(6000))`,
    "the command's arguments and environment are ",
  ],
])("what the kernel would not take is refused before anything is set up: %s", async (_case, line, reason) => {
  const { exitCode, stderr } = await machine.run(["--", "true"], { under: changing(line) });
  expect(stderr).toContain(`egress run: ${reason}`);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(exitCode).toBe(125);
});

test("a secret is hidden under any name, and beside octets that are no UTF-8", async () => {
  const env = {
    TOKEN: "s3cr3t-t0ken",
    "npm_config_//registry.example.org/:_authToken": "s3cr3t-t0ken",
    MIXED: Buffer.concat([latin1("\xe9 "), Buffer.from("s3cr3t-t0ken")]),
    CODED: Buffer.concat([latin1("\xe9 "), Buffer.from(Buffer.from("s3cr3t-t0ken").toString("hex"))]),
  };
  const args = ["--secret", "TOKEN@one.example.org", "--", PYTHON, "-c", SHOW];
  const { stdout, stderr } = await machine.run(args, { under: giving({ env }) });
  const shown = read(stdout).env;
  const placeholder = shown.get("TOKEN") ?? "";
  expect(placeholder).not.toBe("");
  expect(shown.get("npm_config_//registry.example.org/:_authToken")).toBe(placeholder);
  expect(shown.get("MIXED")).toBe(`\xe9 ${placeholder}`);
  expect(shown.has("CODED")).toBe(false);
  expect(stderr).toContain("CODED holds a secret in another spelling: it is taken out");
});

test.each<[string, Given, readonly string[], string]>([
  [
    "a secret",
    { env: { T: latin1("\xe9abcdefgh") } },
    ["--secret", "T@one.example.org", "--", "true"],
    "--secret: the value of T is not UTF-8",
  ],
  ["an option", { args: [latin1("caf\xe9"), "--", "true"] }, ["--log"], '"caf\\u{dce9}" is not UTF-8'],
  [
    "the working directory",
    { folder: latin1(join(tmpdir(), `egress-run-caf\xe9-${process.pid}`)) },
    ["--", "true"],
    "the working directory: ",
  ],
])("what is not UTF-8 and has to be is refused: %s", async (_case, odd, args, reason) => {
  const { exitCode, stderr } = await machine.run(args, { under: giving(odd) });
  expect(stderr).toContain(`egress run: ${reason}`);
  expect(exitCode).toBe(125);
  if (odd.folder !== undefined) await rm(odd.folder, { recursive: true });
});

test("what has no name is told", async () => {
  const script = `import ctypes, sys
libc = ctypes.CDLL(None)
args = (ctypes.c_char_p * len(sys.argv))(*[word.encode() for word in sys.argv[1:]], None)
env = (ctypes.c_char_p * 5)(b"=C:=x", b"alone", b"TWICE=1", b"TWICE=2", None)
libc.execve(args[0], args, env)`;
  const { stdout, stderr } = await machine.run(command, { under: [PYTHON, "-c", script] });
  expect(stderr).toBe("egress run: what has no name in the environment is not handed on to the command\n");
  expect([...read(stdout).env]).toEqual([["TWICE", "1"]]);
});

test("at a terminal they are the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "egress-run-environment-"));
  const [start, shown] = [join(folder, "start.py"), join(folder, "shown")];
  const argv = ["-c", given[3], ...EGRESS, "run", ...command];
  await writeFile(start, `import sys\nsys.argv = ${JSON.stringify(argv)}\n${GIVE}\n`);
  await using shell = await openShellTerminal(machine.spawn);
  await shell.run(`${PYTHON} ${start} >${shown}`);
  expect(ownOf(await readFile(shown, "utf8"))).toEqual(ALL);
  await rm(folder, { recursive: true });
});

describe("without root", () => {
  const [UID, GID] = [48_217, 48_218];
  let place: string;
  beforeAll(async () => {
    place = await makePlaceOf(UID, GID);
    chownSync(place, UID, GID);
  });
  afterAll(() => rm(place, { recursive: true, force: true }));

  test("they are the same", async () => {
    const env = { TMPDIR: place, XDG_RUNTIME_DIR: undefined, HOME: place };
    const under = [...asUser(UID, GID), ...given];
    const { stdout, stderr } = await machine.run(command, { under, env });
    expect(stderr).toBe("");
    expect(ownOf(stdout)).toEqual(ALL);
  });
});
