/**
 * A helper program that says what it sees as JSON lines on standard output, the first of them `{"event":
 * "ready"}`.
 */
import { createInterface } from "node:readline";
import { z } from "zod";
import type { Argv, CommandOptions, RunningCommand } from "../../src/netns/command.ts";
import { type NetworkNamespace, spawnIn } from "../../src/netns/namespace.ts";
import { until } from "./until.ts";

const lineShape = z.looseObject({ event: z.string() });
type JsonLine = z.infer<typeof lineShape>;

export interface JsonServer extends AsyncDisposable {
  /** Everything it said so far, oldest first. */
  readonly lines: readonly JsonLine[];
  readonly process: RunningCommand;
}

export async function startJsonServer(
  namespace: NetworkNamespace,
  argv: Argv,
  options?: CommandOptions,
): Promise<JsonServer> {
  const child = spawnIn(namespace, argv, options);
  const lines: JsonLine[] = [];
  const complaints: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) =>
    lines.push(lineShape.parse(JSON.parse(line))),
  );
  createInterface({ input: child.stderr }).on("line", (line) => complaints.push(line));
  const server: JsonServer = {
    lines,
    process: child,
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.end;
    },
  };
  try {
    await until(`${argv.join(" ")} is ready`, () => {
      if (child.hasEnded()) throw new Error(`${argv.join(" ")} ended: ${complaints.join("\n")}`);
      return lines[0]?.event === "ready";
    });
    return server;
  } catch (error) {
    await server[Symbol.asyncDispose]();
    throw error;
  }
}
