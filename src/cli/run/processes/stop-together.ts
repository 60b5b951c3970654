/**
 * A run without a terminal among its streams as a job of the caller's shell: Ctrl-Z stops the processes of
 * our group, and the command is in a session of its own.
 */
import { canBeStopped } from "./job-place.ts";
import { deliver, stopBelow } from "./process-tree.ts";

/** Stops all below `root` with us, and has it go on with us, until disposed. */
export function stopTogether(root: () => number | undefined): Disposable {
  const onStop = (): void => {
    if (!canBeStopped()) return;
    const stopped = stopBelow(root());
    process.off("SIGTSTP", onStop);
    process.kill(process.pid, "SIGTSTP"); // returns once we are continued
    process.on("SIGTSTP", onStop);
    for (const pid of stopped) deliver(pid, "SIGCONT");
  };
  process.on("SIGTSTP", onStop);
  return { [Symbol.dispose]: () => void process.off("SIGTSTP", onStop) };
}
