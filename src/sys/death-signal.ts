/**
 * The signal that the kernel sends this thread when its parent ends (prctl(2), PR_SET_PDEATHSIG); 0 for none.
 */
import { createArena } from "./arena.ts";
import { mustCall } from "./libc.ts";

const PR_SET_PDEATHSIG = 1;
const PR_GET_PDEATHSIG = 2;

export function readDeathSignal(): number {
  const scratch = createArena(8);
  mustCall("PR_GET_PDEATHSIG", "prctl", PR_GET_PDEATHSIG, scratch.address(0), 0, 0, 0);
  return scratch.words[0] ?? 0;
}

export function setDeathSignal(signal: number): void {
  mustCall("PR_SET_PDEATHSIG", "prctl", PR_SET_PDEATHSIG, signal, 0, 0, 0);
}
