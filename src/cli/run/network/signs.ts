/**
 * How runs in one network namespace know of each other: each holds a name that the kernel gives to one holder
 * and takes back when he ends, whatever process namespace he is in. What a run has left on the machine is
 * another's to remove only if nobody holds its name.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { claimName, heldNames } from "../../../sys/abstract-name.ts";

const BEGINNING = "egress-run/";
const LOCK = "egress-run-lock";
const LOCK_TRIES = 400;
const LOCK_RETRY_MS = 5;
const ID = "[0-9a-f]{8}";

/** Names of a run's things on the machine, which hold its id. */
export const tableOf = (id: string): string => `egress_run_${id}`;
export const deviceOf = (id: string): string => `egr${id}`;
const OWN_NAME = new RegExp(`^(?:egress_run_|egr|egress-run-)(${ID})$`);

/** The id of the run that such a name is of. */
export function runOf(name: string): string | undefined {
  return OWN_NAME.exec(name)?.[1];
}

export interface LiveRuns {
  has(id: string): boolean;
  /** Whether one of them needs the interface to forward. */
  needs(interfaceIndex: number): boolean;
}

/** Says that the run lives, until disposed. Throws SystemCallError; undefined if another run has this id. */
export function claimRun(id: string): Disposable | undefined {
  return claimName(BEGINNING + id);
}

/** Says that the run needs the interface to forward. Throws SystemCallError. */
export function claimInterface(id: string, interfaceIndex: number): Disposable | undefined {
  return claimName(`${BEGINNING}${id}/${interfaceIndex}`);
}

/** The signs of this instant; if the kernel does not tell, every run counts as alive. */
export function findLiveRuns(): LiveRuns {
  const names = heldNames(BEGINNING);
  if (names === undefined) return { has: () => true, needs: () => true };
  const parts = names.map((name) => name.slice(BEGINNING.length).split("/"));
  return {
    has: (id) => parts.some(([other]) => other === id),
    needs: (index) => parts.some(([, other]) => other === String(index)),
  };
}

/**
 * Settles when no other run is changing the machine, until disposed. Such a change takes some milliseconds:
 * who has held it for two seconds is stopped or no run, and is passed over.
 */
export async function lockMachine(): Promise<Disposable> {
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    const lock = claimName(LOCK);
    if (lock !== undefined) return lock;
    await sleep(LOCK_RETRY_MS);
  }
  return { [Symbol.dispose]: () => undefined };
}
