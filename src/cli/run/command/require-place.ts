/** Waits for the place of a command, and has nothing begin in one that is not what it was to be. */
import type { ChildProcess } from "node:child_process";
import type { Duplex } from "node:stream";
import { ConfinementError } from "../errors.ts";
import { findUnheld, type WantedPlace } from "./held-place.ts";

export interface MadePlace {
  /** What makes it: it ends with it. */
  readonly maker: ChildProcess;
  /** The line to process 1. */
  readonly control: Duplex;
  readonly init: () => number | undefined;
  readonly wanted: WantedPlace;
  /** Whether somebody has ended it on purpose. */
  readonly isGivenUp: () => boolean;
}

/** Settles once it is made, or given up. Otherwise ends it, and throws ConfinementError; Node's errors. */
export async function requirePlace(place: MadePlace): Promise<void> {
  const { maker, control, init, wanted, isGivenUp } = place;
  const isReady = await awaitReady(control);
  if (!isReady && isGivenUp()) return;
  const pid = isReady ? init() : undefined;
  const unheld = pid === undefined ? [describeEnd(maker)] : findUnheld(pid, wanted);
  if (unheld.length === 0) return;
  maker.kill("SIGKILL");
  throw new ConfinementError(unheld);
}

/**
 * Process 1 says so once its place is made; false if it ends before. What it has said can be read again by
 * who follows the job.
 */
async function awaitReady(control: Duplex): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const look = (): void => {
    const said: unknown = control.read();
    if (Buffer.isBuffer(said)) resolve(said);
  };
  const end = (): void => resolve(undefined);
  control.on("readable", look).on("end", end).on("close", end);
  if (control.destroyed || control.readableEnded) end();
  const said = await promise;
  control.off("readable", look).off("end", end).off("close", end);
  if (said !== undefined) control.unshift(said);
  return said !== undefined;
}

function describeEnd({ exitCode, signalCode }: ChildProcess): string {
  const how = signalCode ?? (exitCode === null ? "" : `exit ${exitCode}`);
  return `what makes its place has ended${how === "" ? "" : ` (${how})`}`;
}
