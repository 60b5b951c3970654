/**
 * Reads a credential's value from its source. Each read is bounded in time and size. Messages hold no part of
 * the value: of a command neither its arguments nor what it printed.
 */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import type { Result } from "../../policy/problem.ts";
import { refused } from "../../policy/problem.ts";
import { MOST_SECRET_OCTETS, parseSecret } from "../request/secret-text.ts";
import type { CredentialSource } from "../request/vault-request.ts";
import type { Secret } from "../secret.ts";

export type LoadSource = (source: CredentialSource) => Promise<Result<Secret>>;

type Environment = Readonly<Record<string, string | undefined>>;

export interface SourceSettings {
  /** The sidecar's environment. Commands get it without its `OPENSANDBOX_` variables. */
  readonly env: Environment;
  readonly commandTimeoutMs?: number;
}

const COMMAND_TIMEOUT_MS = 10_000;

export function createSourceLoader({
  env,
  commandTimeoutMs = COMMAND_TIMEOUT_MS,
}: SourceSettings): LoadSource {
  const commandEnv = Object.fromEntries(
    Object.entries(env).filter(([name]) => !name.startsWith("OPENSANDBOX_")),
  );
  return async (source) => {
    switch (source.type) {
      case "inline":
        return { ok: true, value: source.value };
      case "env":
        return readVariable(env, source.variable);
      case "file":
        return readSecretFile(source.path);
      case "command":
        return runSecretCommand(source.command, commandEnv, commandTimeoutMs);
      default:
        return source satisfies never;
    }
  };
}

function readVariable(env: Environment, variable: string): Result<Secret> {
  const value = env[variable];
  return value === undefined ? refused("the variable is not set") : named("the variable", parseSecret(value));
}

/**
 * One line break at the end is not part of the secret. It follows links, as a mounted secret's file is one,
 * and never waits, as a reader of a FIFO would.
 */
async function readSecretFile(path: string): Promise<Result<Secret>> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    const found = await file.stat();
    if (!found.isFile()) return refused("what the path names is no regular file");
    if (found.size > MOST_SECRET_OCTETS)
      return refused(`the file has more than ${MOST_SECRET_OCTETS} octets`);
    return readOutput("the file", await file.readFile());
  } catch (error) {
    return refused(`the file cannot be read: ${codeOf(error)}`);
  }
}

/**
 * In a process group of its own, which ends with it or with its time. On Node's own child processes: execa
 * reports the end of a program only once its output ends.
 */
async function runSecretCommand(
  [program, ...args]: readonly [string, ...string[]],
  env: Environment,
  timeoutMs: number,
): Promise<Result<Secret>> {
  const child = spawn(program, args, {
    detached: true,
    stdio: ["ignore", "pipe", "ignore"],
    cwd: "/",
    env: { ...env },
  });
  const { promise, resolve } = Promise.withResolvers<Result<Secret> | undefined>();
  const chunks: Buffer[] = [];
  let octets = 0;
  let failed: string | undefined;
  const fail = (message: string): void => {
    failed ??= message;
    endGroup(child.pid);
  };
  const timer = setTimeout(() => fail(`the command took longer than ${timeoutMs / 1000} s`), timeoutMs);
  child.stdout.on("data", (chunk: Buffer) => {
    octets += chunk.length;
    if (octets > MOST_SECRET_OCTETS) fail(`the command printed more than ${MOST_SECRET_OCTETS} octets`);
    else chunks.push(chunk);
  });
  child.on("error", (error) => resolve(refused(`the command cannot be started: ${codeOf(error)}`)));
  // A process that it has left behind may hold its output open.
  child.on("exit", (status, signal) => {
    endGroup(child.pid);
    if (signal !== null) failed ??= `the command was ended by ${signal}`;
    if (status !== 0) failed ??= `the command ended with status ${status}`;
  });
  child.on("close", () => resolve(undefined));
  const ended = await promise;
  clearTimeout(timer);
  if (ended !== undefined) return ended;
  return failed === undefined ? readOutput("the command", Buffer.concat(chunks)) : refused(failed);
}

/** Also what it started and left behind. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // The group is empty.
    if (codeOf(error) !== "ESRCH") throw error;
  }
}

/** By errno's name: the message holds the path, or the program. */
function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "an error";
}

function readOutput(what: string, octets: Uint8Array): Result<Secret> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return refused(`${what} gives no UTF-8 text`);
  }
  octets.fill(0);
  return named(what, parseSecret(text.replace(/\r?\n$/, "")));
}

function named(what: string, result: Result<Secret>): Result<Secret> {
  return result.ok
    ? result
    : refused(`the value of ${what} ${result.problems[0]?.message ?? "cannot be read"}`);
}
