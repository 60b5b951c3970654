/** The operator's command: picks the subcommand. Each is loaded when it is called, so that none slows the start of another. */
import { EXIT } from "./exit-codes.ts";
import { HELP } from "./help.ts";
import { VERSION } from "../sidecar/version.ts";
import type { CliContext } from "./context.ts";

/** Runs the command line `argv` (without node and script); settles with the exit code. */
export async function runCli(
  argv: readonly string[],
  context: CliContext = processContext(),
): Promise<number> {
  const [command, ...rest] = argv;
  const asksForHelp = rest.includes("--help") || rest.includes("-h");
  switch (command) {
    case undefined:
    case "help":
    case "--help":
    case "-h":
      context.print(HELP);
      return EXIT.ok;
    case "--version":
    case "-v":
      context.print(`egress ${VERSION}\n`);
      return EXIT.ok;
    case "run": {
      const { run } = await import("./run/run.ts");
      return run(rest, context);
    }
    case "policy": {
      const { policy } = await import("./policy/policy.ts");
      return policy(rest, context);
    }
    case "status": {
      const { status } = await import("./status/status.ts");
      return status(rest, context);
    }
    case "doctor": {
      const { doctor } = await import("./doctor/doctor.ts");
      return doctor(rest, context);
    }
    case "serve":
    case "teardown": {
      if (asksForHelp) {
        context.print(HELP);
        return EXIT.ok;
      }
      if (rest.length > 0) return refuse(context, `${command} takes no arguments, given "${rest.join(" ")}"`);
      return command === "serve" ? serve(context) : teardown(context);
    }
    default:
      return refuse(context, `there is no command "${command}"`);
  }
}

async function serve(context: CliContext): Promise<number> {
  const { serve: start } = await import("./serve.ts");
  return start(context.env);
}

async function teardown(context: CliContext): Promise<number> {
  const { teardown: remove } = await import("./teardown.ts");
  return remove(context.env);
}

function refuse(context: CliContext, problem: string): number {
  context.warn(`egress: ${problem}; "egress --help" lists what there is\n`);
  return EXIT.usage;
}

function processContext(): CliContext {
  return {
    env: process.env,
    program: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
    print: (text) => void process.stdout.write(text),
    warn: (text) => void process.stderr.write(text),
  };
}
