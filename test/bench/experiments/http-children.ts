/** Processes of the rows about HTTP: origins, relays, load. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** `proxy`: the port of a proxy on loopback that the child connects by. Its input ends with `stdin`. */
export function spawnChild(name: string, args: readonly string[], proxy?: number): ChildProcess {
  const file = fileURLToPath(new URL(`../load/${name}-child.ts`, import.meta.url));
  const env = proxy === undefined ? process.env : { ...process.env, BENCH_PROXY: String(proxy) };
  return spawn(process.execPath, [file, ...args], { env, stdio: ["pipe", "pipe", "inherit"] });
}

/** Its ports, once it listens. */
export async function startChild(
  name: string,
  args: readonly string[],
  made: AsyncDisposableStack,
): Promise<readonly number[]> {
  const child = spawnChild(name, args);
  made.defer(() => endChild(child));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what the child writes
  return JSON.parse(await firstLine(child)) as readonly number[];
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, "exit");
  child.kill();
  await ended;
}

export async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error("the child has no output");
  for await (const line of createInterface(stdout)) return line;
  throw new Error("the child has ended without a word");
}
