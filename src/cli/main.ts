/**
 * The operator's command: picks the subcommand. Each is loaded when it is called, so that none slows the
 * start of another.
 */
import { once } from "node:events";
import { isatty } from "node:tty";
import { takeEnvironment } from "../config/program-path.ts";
import { EXIT } from "./exit-codes.ts";
import { HELP } from "./help.ts";
import { openStandardOutput } from "../sys/standard-output.ts";
import { VERSION } from "../sidecar/version.ts";
import type { CliContext } from "./context.ts";
import type { Given } from "./run/given/given.ts";

/**
 * Runs the command line `argv` (without node and script) in this process; settles with the exit code once all
 * output is written.
 */
export async function runProcess(argv: readonly string[]): Promise<number> {
  const out = openStandardOutput(1);
  const err = openStandardOutput(2);
  const given = await takeGiven(argv);
  if (given.nameless > 0)
    err.write("egress run: what has no name in the environment is not handed on to the command\n");
  const code = await runCli(given.argv, {
    env: given.env,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
    print: out.write,
    isTerminal: isatty(1),
    canPrint: out.isWritable,
    warn: err.write,
  });
  // A warning that nobody could be given is no failure.
  const [failure] = await Promise.all([out.flush(), err.flush()]);
  if (failure === undefined || code !== EXIT.ok) return code;
  return failure === "EPIPE" ? EXIT.unread : EXIT.output;
}

/** Only `egress run` hands on what it was given, and so needs it octet for octet. */
async function takeGiven(argv: readonly string[]): Promise<Given> {
  const env = takeEnvironment();
  if (argv[0] !== "run") return { argv, env, nameless: 0 };
  return (await import("./run/given/given.ts")).takeGiven(argv, env);
}

/** Runs the command line with the outputs and the environment of `context`; settles with the exit code. */
export async function runCli(argv: readonly string[], context: CliContext): Promise<number> {
  const [command = "help", ...rest] = argv;
  if (Object.hasOwn(TEXTS, command)) {
    context.print(TEXTS[command] ?? "");
    return EXIT.ok;
  }
  const call = Object.hasOwn(CALLS, command) ? await CALLS[command]?.() : undefined;
  return call === undefined ? refuse(context, `there is no command "${command}"`) : call(rest, context);
}

const VERSION_LINE = `egress ${VERSION}\n`;
/** Words that only ask for a text. */
const TEXTS: Readonly<Record<string, string>> = {
  help: HELP,
  "--help": HELP,
  "-h": HELP,
  "--version": VERSION_LINE,
  "-v": VERSION_LINE,
};

type Call = (argv: readonly string[], context: CliContext) => Promise<number>;

const CALLS: Readonly<Record<string, () => Promise<Call>>> = {
  run: async () => startRun,
  serve: async () => startServe,
  teardown: async () => startTeardown,
  policy: async () => (await import("./policy/policy.ts")).policy,
  status: async () => (await import("./status/status.ts")).status,
  log: async () => (await import("./log/log.ts")).log,
  doctor: async () => (await import("./doctor/doctor.ts")).doctor,
  vault: async () => (await import("./vault/vault.ts")).vault,
  explain: async () => (await import("./explain/explain.ts")).explain,
  top: async () => (await import("./top/top.ts")).top,
  suggest: async () => (await import("./suggest/suggest.ts")).suggest,
  completion: async () => (await import("./completion/completion.ts")).completion,
};

async function startServe(argv: readonly string[], context: CliContext): Promise<number> {
  if (asksForHelp(argv)) return showHelp(context, "SERVE_HELP");
  const [option, ...more] = argv;
  if (option === undefined) return serve(context, false);
  if (option === "--strict" && more.length === 0) return serve(context, true);
  if (option === "--handed" && more.length === 0) return serveRun(context);
  return refuse(context, `serve takes --strict and nothing else, given "${argv.join(" ")}"`);
}

async function startTeardown(argv: readonly string[], context: CliContext): Promise<number> {
  if (asksForHelp(argv)) return showHelp(context, "TEARDOWN_HELP");
  if (argv.length > 0) return refuse(context, `teardown takes no arguments, given "${argv.join(" ")}"`);
  const { teardown } = await import("./teardown.ts");
  return teardown(context);
}

function asksForHelp(argv: readonly string[]): boolean {
  return argv.includes("--help") || argv.includes("-h");
}

async function showHelp(context: CliContext, text: "SERVE_HELP" | "TEARDOWN_HELP"): Promise<number> {
  context.print((await import("./sidecar-help.ts"))[text]);
  return EXIT.ok;
}

/**
 * All that would end a process which does not ask for them, but for faults of its own and what cannot be
 * heard.
 */
const ENDING = [
  "SIGTERM",
  "SIGINT",
  "SIGHUP",
  "SIGQUIT",
  "SIGALRM",
  "SIGVTALRM",
  "SIGIO",
  "SIGPWR",
  "SIGXCPU",
] as const;

/** The sidecar of a run starts while the run itself is still being loaded. */
async function startRun(argv: readonly string[], context: CliContext): Promise<number> {
  const { startEarly } = await import("./run/waiting-sidecar.ts");
  using early = startEarly(argv, context);
  const { run } = await import("./run/run.ts");
  return await run(argv, context, early);
}

/** As `egress run` starts it: its environment comes by standard input. */
async function serveRun(context: CliContext): Promise<number> {
  const loading = import("./serve.ts");
  const { readHanded } = await import("./run/handed.ts");
  return serve(context, true, async () => {
    await loading;
    return readHanded();
  });
}

async function serve(
  context: CliContext,
  strict: boolean,
  readEnv = async (): Promise<CliContext["env"] | undefined> => context.env,
): Promise<number> {
  const stop = new AbortController();
  // Before anything is loaded; and for good, not once: a child's runner (execa) sends the signal again if
  // nobody listens any more.
  for (const signal of ENDING) process.on(signal, () => stop.abort());
  // As SIGUSR1 (`src/main.ts`): operators send both to have logs opened anew.
  process.on("SIGUSR2", () => undefined);
  const loading = Promise.all([import("./serve.ts"), readEnv()]);
  await Promise.race([loading, once(stop.signal, "abort")]);
  if (stop.signal.aborted) return EXIT.ok;
  const [{ serve: start }, env] = await loading;
  if (env === undefined) return EXIT.ok;
  return start({ ...context, env }, { strict, stop: stop.signal });
}

function refuse(context: CliContext, problem: string): number {
  context.warn(`egress: ${problem}; "egress --help" lists what there is\n`);
  return EXIT.usage;
}
