/**
 * Puts a terminal's modes back if this process is killed: a shell in a session of its own that outlives it.
 */
import { spawn } from "node:child_process";
import { Writable } from "node:stream";

export interface ModesGuard {
  /** The modes are put back already. */
  dismiss(): void;
}

/**
 * Where the modes are no longer ours, somebody, such as the caller's shell, has put back his own, and nothing
 * is done.
 */
const SCRIPT = `read -r dismissed <&3 && exit
[ "$(stty -g)" != "$1" ] || exec stty "$2"`;

/**
 * `now` and `later` are modes as `stty -g` writes them: those that are about to be set, and those to put
 * back.
 */
export function guardModes(
  terminal: number,
  { now, later }: { readonly now: string; readonly later: string },
): ModesGuard {
  const child = spawn("sh", ["-c", SCRIPT, "sh", now, later], {
    cwd: "/",
    detached: true,
    stdio: [terminal, "ignore", "ignore", "pipe"],
  });
  child.on("error", () => undefined); // no shell, no guard: the terminal is put back at every other end
  child.unref();
  const line = child.stdio[3];
  if (!(line instanceof Writable)) throw new Error("a pipe that was asked for is there");
  line.on("error", () => undefined);
  if ("unref" in line && typeof line.unref === "function") line.unref();
  return { dismiss: () => void line.end("dismissed\n") };
}
