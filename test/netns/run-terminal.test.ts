/** `egress run` at a terminal, started from a shell with job control as a person would. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import { execIn } from "../../src/netns/namespace.ts";
import { createMachine, type Machine, UNTOUCHED } from "../support/machine.ts";
import { until } from "../support/until.ts";
import { openShellTerminal, PROMPT, type ShellTerminal } from "../support/shell-terminal.ts";
import { MAIN } from "../support/tested-program.ts";
import { useLab } from "../support/use-lab.ts";

const lab = useLab();
let machine: Machine;
let shell: ShellTerminal;
beforeAll(() => {
  machine = createMachine(lab);
});
beforeEach(async () => {
  shell = await openShellTerminal(machine.spawn);
});
afterEach(async () => {
  await shell[Symbol.asyncDispose]();
  await until("all is undone", async () => isDeepStrictEqual(await machine.state(), UNTOUCHED));
});

test("the command has a terminal of its own, with its name, and controls it", async () => {
  const said = await shell.run(
    "egress run -- sh -c 'tty; echo via /dev/tty >/dev/tty; stty size; ls -m /dev/pts'",
  );
  expect(said).toContain("/dev/pts/0\r\nvia /dev/tty\r\n24 80\r\n0, ptmx\r\n");
});

test("no process inside has the caller's terminal open, and what it types ahead never reaches the shell", async () => {
  const which = "stat -Lc terminal-%d:%i";
  const outside = (await shell.run(`${which} $(tty)`)).trim();
  await using folder = await scratch();
  const inject = join(folder.path, "inject.py");
  await writeFile(
    inject,
    `import fcntl, termios
for path in ["/dev/tty", "/dev/pts/0"]:
    for octet in b"echo injected\\n":
        try:
            fcntl.ioctl(open(path), termios.TIOCSTI, bytes([octet]))
        except OSError as error:
            print("refused", error.errno)
`,
  );
  const look = `for fd in /proc/[0-9]*/fd/*; do [ -t 0 ] 2>/dev/null <$fd && ${which} $fd; done | sort -u`;
  await writeFile(join(folder.path, "look.sh"), `${look}\necho own: $(${which} $(tty))\n`);
  const said = await shell.run(`egress run -- sh -c "sh ${folder.path}/look.sh; python3 ${inject}"`);
  const own = /own: (\S+)/.exec(said)?.[1] ?? "";
  expect(said.match(/^terminal-\S+/gm)).toContain(own);
  expect(said).not.toContain(outside);
  expect(await shell.run("echo next")).toBe("next\r\n");
  expect(shell.screen()).not.toMatch(/^injected/m);
});

test("Ctrl-Z stops the whole tree, what is typed then is the shell's alone, and fg goes on", async () => {
  const sleepers = "sleep 1000 & setsid sleep 1001 &";
  const script = `${sleepers} echo ready; while read line; do echo got $line; done; echo over`;
  shell.type(`egress run -- sh -c '${script}'\r`);
  await shell.shows("\nready");
  shell.type("one\r");
  await shell.shows("got one");
  await until(
    "both sleep",
    async () => (await execIn(lab.sandbox, ["pgrep", "-fc", "^sleep.100[01]$"])).stdout === "2\n",
  );
  shell.type("\x1a");
  expect(await shell.shows(PROMPT)).toContain("Stopped");
  const states = "for n in 1000 1001; do ps -o stat= -p $(pgrep -f ^sleep.$n$); done";
  expect(await shell.run(states)).toMatch(/^T\S*\r\nT\S*\r\n$/);
  expect(await shell.run("echo a-secret")).toBe("a-secret\r\n");
  shell.type("fg\r");
  await shell.shows("\n");
  shell.type("two\r");
  expect(await shell.shows("got two")).not.toContain("secret");
  shell.type("\x1a");
  await shell.shows(PROMPT);
  shell.type("fg\r");
  await shell.shows("\n");
  shell.type("three\r");
  await shell.shows("got three");
  shell.type("\x04");
  expect(await shell.shows(PROMPT)).toContain("over");
  expect(await shell.run("jobs; echo $?")).toBe("0\r\n");
});

test("a stopped run whose terminal goes away is undone", async () => {
  shell.type("egress run -- sh -c 'echo ready; exec cat'\r");
  await shell.shows("\nready");
  shell.type("\x1a");
  expect(await shell.shows(PROMPT)).toContain("Stopped");
  const before = await machine.state();
  expect(before.links).toHaveLength(1);
});

test("a run that is stopped from outside stops the same way", async () => {
  shell.type("egress run -- sh -c 'echo ready; read line; echo got $line'\r");
  await shell.shows("\nready");
  const [pid] = await runPids();
  process.kill(pid ?? 0, "SIGTSTP");
  expect(await shell.shows(PROMPT)).toContain("Stopped");
  expect(await shell.run("echo a-secret")).toBe("a-secret\r\n");
  shell.type("fg\r");
  await shell.shows("\n");
  shell.type("word\r");
  expect(await shell.shows(PROMPT)).toContain("got word");
});

test("a run in the background reads nothing, stops when its command wants to, and goes on in the foreground", async () => {
  await shell.run("egress run -- sh -c 'read line; echo got $line' &");
  expect(await shell.run("echo a-secret")).toContain("a-secret\r\n");
  await stopped(shell);
  shell.type("fg\r");
  await shell.shows("\n");
  shell.type("word\r");
  expect(await shell.shows(PROMPT)).toContain("got word");
});

test("a run in the background whose command reads nothing ends by itself", async () => {
  await shell.run("egress run -- sh -c 'echo written from behind; exit 3' &");
  await shell.shows("written from behind");
  expect(await shell.run("wait %1; echo code $?")).toContain("code 3");
});

test("a new size of the window is told to the program, and is the terminal's", async () => {
  await using folder = await scratch();
  const program = join(folder.path, "sizes.py");
  const body = "lambda *_: print(os.get_terminal_size(), flush=True)";
  await writeFile(
    program,
    `import os, signal\nsignal.signal(signal.SIGWINCH, ${body})\nprint("ready", flush=True)\ninput()\n`,
  );
  shell.type(`egress run -- python3 ${program}\r`);
  await shell.shows("\nready");
  shell.resize(40, 100);
  expect(await shell.shows(")")).toContain("columns=100, lines=40");
  shell.resize(50, 120);
  expect(await shell.shows(")")).toContain("columns=120, lines=50");
  shell.type("\r");
  await shell.shows(PROMPT);
});

test("a shell inside has job control of its own", async () => {
  shell.type(`egress run -- bash --norc --noprofile -i\r`);
  await shell.shows(/bash\S*# /);
  shell.type("cat\r");
  await shell.shows("\n");
  shell.type("echoed\r");
  await shell.shows(/echoed\r\nechoed/);
  shell.type("\x1a");
  expect(await shell.shows(/bash\S*# /)).toMatch(/Stopped +cat/);
  shell.type("fg\r");
  await shell.shows("cat\r\n");
  shell.type("\x03");
  await shell.shows(/bash\S*# /);
  shell.type("exit 7\r");
  await shell.shows(PROMPT);
  expect(await shell.run("echo code $?")).toBe("code 7\r\n");
});

test("Ctrl-C ends the command as in any terminal", async () => {
  shell.type("egress run -- sh -c 'echo ready; exec sleep 1000'\r");
  await shell.shows("\nready");
  shell.type("\x03");
  await shell.shows(PROMPT);
  expect(await shell.run("echo code $?")).toBe("code 130\r\n");
});

test("vim draws, is stopped, goes on and writes its file", async () => {
  shell.type("egress run -- vim -u NONE -N +'set nomore' /tmp/egress-vim-test.txt\r");
  await shell.shows("~");
  shell.type("iwritten inside\x1b");
  await shell.shows("inside");
  shell.type("\x1a");
  await shell.shows("Stopped");
  await shell.shows(PROMPT);
  shell.type("fg\r");
  await shell.shows("written inside");
  shell.type(":wq\r");
  await shell.shows(PROMPT);
  expect(await shell.run("cat /tmp/egress-vim-test.txt; rm /tmp/egress-vim-test.txt")).toBe(
    "written inside\r\n",
  );
});

test("less pages, by itself, behind a pipe, and at the other end of a run's output", async () => {
  for (const line of [
    "egress run -- sh -c 'seq 100 | less'",
    "seq 100 | egress run -- less",
    "egress run -- seq 100 | less",
  ]) {
    shell.type(`${line}\r`);
    await shell.shows(/\b20\r\n/);
    // A run that reads the terminal takes what is typed until its command has ended, as ssh does.
    if (line.endsWith("| less")) await until("the run has ended", async () => (await runPids()).length === 0);
    shell.type("G");
    expect(await shell.shows(/\b100\r?\n/)).toContain("99");
    shell.type("q");
    await shell.shows(PROMPT);
  }
});

test("git asks for a name and a password, and the password is not shown", async () => {
  shell.type("egress run -- git -c credential.helper= credential fill\r");
  await shell.shows("until the end");
  shell.type("protocol=https\rhost=example.org\r\r");
  await shell.shows("Username for 'https://example.org':");
  shell.type("me\r");
  await shell.shows("Password for 'https://me@example.org':");
  shell.type("my-password\r");
  const rest = await shell.shows(PROMPT);
  expect(rest.match(/my-password/g)).toHaveLength(1);
  expect(rest).toContain("password=my-password\r\n");
});

test("what is neither end of a terminal is handed on as it is", async () => {
  expect(await shell.run("echo words | egress run -- sh -c '[ -t 1 ] && ! [ -t 0 ] && cat'")).toMatch(
    /\nwords\r\n$/,
  );
  const both =
    "egress run -- sh -c '[ -t 0 ] && ! [ -t 1 ] && ! [ -t 2 ] && echo alone' 2>/dev/null | cat -A";
  expect(await shell.run(both)).toBe("alone$\r\n");
});

test("all output comes, however much there is of it", async () => {
  expect(await shell.run("egress run -- sh -c 'seq 200000; echo the end'")).toMatch(
    /\n199999\r\n200000\r\nthe end\r\n/,
  );
});

test.each([
  ["ends", "exit 4", undefined],
  ["is killed by a signal", "exec sleep 1000", "SIGTERM"],
  ["is hung up", "exec sleep 1000", "SIGHUP"],
  ["is killed for good", "exec sleep 1000", "SIGKILL"],
] as const)("the terminal's modes are put back when the run %s", async (_how, last, signal) => {
  // A shell that leaves the modes alone, unlike bash.
  await shell.run(`PS1='${PROMPT}' exec dash`);
  const cooked = await shell.modes();
  shell.type(`egress run -- sh -c 'stty raw -echo; echo ready; read line; ${last}'\r`);
  await shell.shows(/[\r\n]ready/);
  expect(await shell.modes()).not.toEqual(cooked);
  shell.type("\n");
  if (signal !== undefined) {
    const [pid] = await runPids();
    process.kill(pid ?? 0, signal);
  }
  await expect.poll(shell.modes).toEqual(cooked);
  await shell.shows(PROMPT);
  // What was killed for good is undone by the next.
  await shell.run("egress run -- true");
});

test("the session of docs/run.md goes as it is written there", async () => {
  const page = await readFile(new URL("../../docs/run.md", import.meta.url), "utf8");
  const [, session = ""] = /## At a terminal[^]*?```console\n([^]*?)```/.exec(page) ?? [];
  const lines = session.split("\n").filter(Boolean);
  expect(lines.length).toBeGreaterThan(15);
  let isAtShell = true;
  for (const [index, line] of lines.entries()) {
    const next = lines[index + 1];
    if (line.startsWith("$ ")) {
      if (line === "$ jobs") await stopped(shell);
      else shell.type(`${line.slice(2)}\r`);
      isAtShell = line.endsWith("&");
      if (line !== "$ jobs") await shell.shows("\n");
      if (isAtShell) await shell.shows(PROMPT);
    } else if (/^\^[DZ]$/.test(line)) shell.type(line === "^Z" ? "\x1a" : "\x04");
    else if (next?.startsWith("got ") === true && !line.startsWith("got ")) shell.type(`${line}\r`);
    else if (!line.startsWith("[1]+")) await shell.shows(`${line}\r\n`);
    if (line === "^Z" || line === "^D" || line === "for the shell alone") await shell.shows(PROMPT);
  }
  await shell.shows(PROMPT);
  const shown = shell.screen().replaceAll("\r", "");
  for (const line of lines.filter((one) => one.startsWith("[1]+"))) expect(shown).toContain(line);
});

async function scratch(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "egress-terminal-test-"));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

/** The processes of `egress run` that a shell at this terminal has started. */
async function runPids(): Promise<readonly number[]> {
  const { stdout } = await execIn(lab.sandbox, ["pgrep", "-P", await shellPid(), "-f", `${MAIN} run`]);
  return stdout.split("\n").filter(Boolean).map(Number);
}

async function shellPid(): Promise<string> {
  return (await execIn(lab.sandbox, ["pgrep", "-P", String(shell.process.pid)])).stdout.trim();
}

/** Waits until the shell knows that a job has stopped. */
async function stopped(at: ShellTerminal): Promise<void> {
  for (;;) if ((await at.run("jobs")).includes("Stopped")) return;
}
