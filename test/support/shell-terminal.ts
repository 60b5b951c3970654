/** Somebody at a shell with job control, on a terminal of its own, to whom `egress` is a command. */
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunningCommand } from "../../src/netns/command.ts";
import { MAIN } from "./tested-program.ts";
import { until } from "./until.ts";

const TYPIST = fileURLToPath(new URL("clients/typist.py", import.meta.url));

/** What the shell prints when it is ready for a line. */
export const PROMPT = "at-the-shell> ";

export interface ShellTerminal extends AsyncDisposable {
  readonly process: RunningCommand;
  /** Types the text as it is; a line ends with `\r`. */
  type(text: string): void;
  resize(rows: number, columns: number): void;
  /** Waits until the terminal shows it after what was awaited last, and gives back what came between. */
  shows(what: string | RegExp): Promise<string>;
  /** Types a line, and waits for the prompt after it; gives back what came between. */
  run(line: string): Promise<string>;
  /** Input, output, control and local flags of the terminal. */
  modes(): Promise<readonly number[]>;
  /** All that it has shown. */
  screen(): string;
}

/**
 * `start` runs a command line where the shell is to be. Disposing ends the shell, which hangs up on its jobs.
 */
export async function openShellTerminal(
  start: (argv: readonly string[]) => RunningCommand,
): Promise<ShellTerminal> {
  const folder = await mkdtemp(join(tmpdir(), "egress-terminal-"));
  await chmod(folder, 0o755); // the shell may be another user's
  const program = join(folder, "egress");
  await writeFile(program, `#!/bin/sh\nexec ${process.execPath} ${MAIN} "$@"\n`, { mode: 0o755 });
  const setUp = `PATH=${folder}:$PATH; PS1='${PROMPT}'; PS2=; unset PROMPT_COMMAND; bind 'set enable-bracketed-paste off'`;
  const rc = join(folder, "rc");
  await writeFile(rc, `${setUp}\n`);
  const child = start(["python3", TYPIST, "bash", "--noprofile", "--rcfile", rc, "-i"]);
  let screen = "";
  let seen = 0;
  let reports = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (screen += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (reports += text));
  const tell = (command: object): void => void child.stdin.write(`${JSON.stringify(command)}\n`);

  async function shows(what: string | RegExp): Promise<string> {
    const find = (): string | undefined => {
      const rest = screen.slice(seen);
      const at = typeof what === "string" ? rest.indexOf(what) : rest.search(what);
      if (at < 0) return undefined;
      const length = typeof what === "string" ? what.length : (what.exec(rest)?.[0].length ?? 0);
      seen += at + length;
      return rest.slice(0, at + length);
    };
    try {
      return await until(`the terminal shows ${String(what)}`, find);
    } catch (error) {
      throw new Error(`the terminal shows ${JSON.stringify(screen.slice(seen))} ${reports}`, {
        cause: error,
      });
    }
  }

  const terminal: ShellTerminal = {
    process: child,
    type: (text) => tell({ type: text }),
    resize: (rows, columns) => tell({ resize: [rows, columns] }),
    shows,
    async run(line) {
      tell({ type: `${line}\r` });
      await shows("\n"); // its echo
      return (await shows(PROMPT)).slice(0, -PROMPT.length);
    },
    async modes() {
      const before = reports.length;
      tell({ modes: true });
      const line = await until("the modes are told", () => /^.*\n/.exec(reports.slice(before))?.[0]);
      const flags: unknown = JSON.parse(line);
      return Array.isArray(flags) ? flags.map(Number) : [];
    },
    screen: () => screen,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      child.kill("SIGTERM");
      await child.end;
      await rm(folder, { recursive: true });
    },
  };
  await shows(PROMPT);
  return terminal;
}
