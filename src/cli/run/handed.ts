/** What a run hands to its waiting sidecar on standard input. */
import type { Environment } from "../../config/environment.ts";
import { parseObject } from "./json.ts";

export function renderHanded(env: Environment): string {
  return JSON.stringify({ parent: process.pid, env });
}

/**
 * Reads all of the standard input. Undefined if the run has ended before it was handed over, or has ended
 * since.
 */
export async function readHanded(): Promise<Environment | undefined> {
  process.stdin.setEncoding("utf8");
  let text = "";
  for await (const piece of process.stdin) text += String(piece);
  const handed = parseObject(text);
  // The kernel ends a sidecar with its run, but for one that ended before it was told so.
  return handed?.["parent"] === process.ppid ? environmentOf(handed["env"]) : undefined;
}

function environmentOf(value: unknown): Environment {
  return Object.fromEntries(
    Object.entries(value ?? {}).filter((entry): entry is [string, string] => typeof entry[1] === "string"),
  );
}
