/** The values of the secrets of a run, from our environment or from what a command prints. */
import { spawnSync } from "node:child_process";
import type { Environment } from "../../../config/environment.ts";
import { accepted, refused, refusedAll, type Result } from "../../../policy/problem.ts";
import { trimBlanks } from "../../../policy/trim-blanks.ts";
import { decodeOctets } from "../given/octet-text.ts";
import { createMemoryFile } from "../../../sys/memory-file.ts";
import type { CommandUser } from "../command/command-user.ts";
import { planStart, renderStart, type StartTools } from "../command/exact-start.ts";
import { drawPlaceholder } from "./placeholder.ts";
import type { AskedSecret } from "./parse-secret.ts";
import type { HeldSecret } from "./secret-bindings.ts";

/** A command that asks for a password or a key has its time. */
const COMMAND_LIMIT_MS = 120_000;
const MOST_PRINTED = 1 << 20;

/** Gives what the command prints, or what went wrong. */
export type AskCommand = (command: string) => Result<string>;

export function readSecrets(
  asked: readonly AskedSecret[],
  env: Environment,
  askCommand: AskCommand,
): Result<readonly HeldSecret[]> {
  const read = asked.map((secret) => {
    const value = secret.command === undefined ? readVariable(secret, env) : readOutput(secret, askCommand);
    return value.ok
      ? accepted({ ...secret, value: value.value, placeholder: drawPlaceholder(value.value) })
      : value;
  });
  const problems = read.flatMap((result) => (result.ok ? [] : result.problems));
  return problems.length > 0
    ? refusedAll(problems)
    : accepted(read.flatMap((result) => (result.ok ? [result.value] : [])));
}

function readVariable({ name }: AskedSecret, env: Environment): Result<string> {
  const value = env[name];
  if (value === undefined || value === "")
    return refused(`${name} is not set in the environment: export it, or give --secret-command`, "--secret");
  return checked(name, value, "--secret");
}

/** A line's end belongs to the output, not to the secret. */
function readOutput({ name, command = "" }: AskedSecret, askCommand: AskCommand): Result<string> {
  const output = askCommand(command);
  if (!output.ok) return output;
  const value = output.value.replace(/\r?\n$/, "");
  if (value === "") return refused(`the command for ${name} has printed nothing`, "--secret-command");
  return checked(name, value, "--secret-command");
}

/**
 * Without blanks at its ends: no header can have those, and a placeholder with them would be another one in a
 * header.
 */
function checked(name: string, value: string, option: string): Result<string> {
  // oxlint-disable-next-line no-control-regex -- these are what no header can have
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value))
    return refused(
      `the value of ${name} has a control character or a line break in it, which no header can have`,
      option,
    );
  if (!value.isWellFormed())
    return refused(`the value of ${name} is not UTF-8, which no header can have here`, option);
  const trimmed = trimBlanks(value);
  return trimmed.trim() === "" ? refused(`the value of ${name} is blank`, option) : accepted(trimmed);
}

/** Becomes the command line that descriptor 3 has. */
const EXACTLY = '. /proc/self/fd/3 && exec 3<&- && exec "$@"';

/**
 * By the shell, as the command's user, with its environment; what it says on standard error is the caller's
 * to see.
 */
export function askShell(env: Environment, user: CommandUser | undefined, tools: StartTools): AskCommand {
  return (command) => {
    const identity = user === undefined || user.isMapped === true ? {} : { uid: user.uid, gid: user.gid };
    const start = planStart(["/bin/sh", "-c", command], { ...env, ...user?.env }, tools);
    using handed = createMemoryFile("egress-secret-command");
    handed.append(renderStart(start));
    const { status, signal, stdout, error } = spawnSync("/bin/sh", ["-c", EXACTLY, "sh"], {
      ...identity,
      env: {},
      stdio: ["inherit", "pipe", "inherit", handed.fd],
      timeout: COMMAND_LIMIT_MS,
      maxBuffer: MOST_PRINTED,
    });
    if (status === 0) return accepted(decodeOctets(stdout));
    const how = error?.message ?? signal ?? `exit ${String(status)}`;
    return refused(`a command that should print a secret has failed: ${how}`, "--secret-command");
  };
}
