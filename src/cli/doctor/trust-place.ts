/** The place that the doctor is run in, as tools that are started there find it. */
import { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import type { TrustPlace } from "../../doctor/trust/trust-place.ts";
import { runCommand } from "../../netns/command.ts";
import { findTool } from "../../netns/find-tool.ts";
import { ToolError } from "../../netns/errors.ts";
import type { CliContext } from "../context.ts";

const MOST_OCTETS = 16 * 2 ** 20;
const RUN_LIMIT_MS = 20_000;

export function openTrustPlace(env: CliContext["env"]): TrustPlace {
  /** By the command line: Python is asked for two tools. */
  const asked = new Map<string, Promise<string | undefined>>();
  return {
    env,
    findProgram: (name) => findTool(name, env["PATH"] ?? ""),
    realPath: (path) => orNothing(() => realpathSync(path)),
    read: (path) => orNothing(() => readPlainFile(path)),
    list: (folder) => orNothing(() => readdirSync(folder)) ?? [],
    run(argv) {
      const key = argv.join("\0");
      const said = asked.get(key) ?? ask(argv, env);
      asked.set(key, said);
      return said;
    },
  };
}

async function ask(
  argv: Parameters<TrustPlace["run"]>[0],
  env: CliContext["env"],
): Promise<string | undefined> {
  try {
    const { exitCode, stdout } = await runCommand(argv, { env, timeoutMs: RUN_LIMIT_MS });
    return exitCode === 0 ? stdout : undefined;
  } catch (error) {
    if (error instanceof ToolError) return undefined; // it is gone since it was found
    throw error;
  }
}

/** A pipe that nobody writes to would hold us for ever. */
function readPlainFile(path: string): Buffer | undefined {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const found = fstatSync(file);
    return found.isFile() && found.size <= MOST_OCTETS ? readFileSync(file) : undefined;
  } finally {
    closeSync(file);
  }
}

/** What the system refuses is not there for the tools either, which run as we do. */
function orNothing<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
