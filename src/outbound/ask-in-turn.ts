import { NEGATIVE_WAIT_MS } from "../dns/upstream/hearing.ts";
import type { Schedule } from "../dns/upstream/prober.ts";
import type { HostAnswer } from "./host-message.ts";

/** Asks one upstream; undefined if it has failed. */
export type AskOne = () => Promise<HostAnswer | undefined>;

/**
 * When the next upstream is asked, too, and how long a "no" waits for upstreams that stand before the one
 * that gave it.
 */
const HEDGE_MS = 800;

/**
 * Asks upstreams in their order: the next one if one has failed or been silent for a while, and none after an
 * answer. Addresses win at once. An answer without any waits for earlier upstreams that are still silent,
 * since upstreams need not know the same names. Undefined if all fail.
 */
export function askInTurn(
  upstreams: readonly AskOne[],
  schedule: Schedule = scheduleUnref,
): Promise<HostAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<HostAnswer | undefined>();
  /** By upstream; undefined for those that have said nothing yet. */
  const heard: (HostAnswer | "failed" | undefined)[] = [];
  let asked = 0;
  let callOff = nothing;
  let isPatient = true;

  function finish(answer: HostAnswer | undefined): void {
    callOff();
    resolve(answer);
  }

  function next(): void {
    callOff();
    const index = asked++;
    if (asked < upstreams.length) callOff = schedule(HEDGE_MS, next);
    void upstreams[index]?.().then((answer) => hear(index, answer));
  }

  function hear(index: number, answer: HostAnswer | undefined): void {
    const hadNo = hasNo();
    heard[index] = answer ?? "failed";
    if (answer !== undefined && answer.addresses.length > 0) {
      finish(answer);
    } else if (answer !== undefined && !hadNo) {
      callOff();
      callOff = schedule(NEGATIVE_WAIT_MS, () => {
        isPatient = false;
        decide();
      });
    } else if (!hadNo && asked < upstreams.length && index === asked - 1) {
      next();
    }
    decide();
  }

  const hasNo = (): boolean => heard.some((one) => one !== undefined && one !== "failed");

  /** The first upstream that has not failed says what holds. */
  function decide(): void {
    for (let index = 0; index < asked; index++) {
      const one = heard[index];
      if (one === "failed" || (one === undefined && !isPatient)) continue;
      if (one !== undefined) finish(one);
      return;
    }
    if (asked >= upstreams.length) finish(undefined);
  }

  if (upstreams.length === 0) resolve(undefined);
  else next();
  return promise;
}

function scheduleUnref(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}

function nothing(): void {
  // No timer runs yet.
}
