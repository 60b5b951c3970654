/** Runs a command line of the program to its end, as a person or a container runtime does. */
import { type Argv, type CommandOptions, type CommandResult } from "../../src/netns/command.ts";
import { execIn, type NetworkNamespace } from "../../src/netns/namespace.ts";
import { WAIT_MS } from "./limits.ts";
import { withOwnPlaces } from "./own-places.ts";
import { MAIN } from "./tested-program.ts";

export interface ProgramOptions extends CommandOptions {
  /** Put before the program, such as setpriv and its options. */
  readonly under?: readonly string[];
}

/** `egress ARGS` in the namespace. Its environment holds PATH and what is given. */
export async function runProgram(
  namespace: NetworkNamespace,
  args: readonly string[],
  { under = [], env = {}, ...options }: ProgramOptions = {},
): Promise<CommandResult> {
  const [file, ...rest] = [...under, process.execPath, MAIN, ...args];
  const argv: Argv = [file ?? process.execPath, ...rest];
  return execIn(namespace, withOwnPlaces(argv), {
    timeoutMs: WAIT_MS,
    ...options,
    env: { PATH: process.env["PATH"], ...env },
  });
}
