/** Signals that reach `egress run` itself. */
import { constants } from "node:os";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

export interface Interrupts extends Disposable {
  /** Aborted by a signal that comes before there is a command to hand it to. */
  readonly signal: AbortSignal;
  forwardTo(forward: (signal: NodeJS.Signals) => void): void;
}

/** A signal that ended the run before the command was started. */
export class Interrupted extends Error {
  readonly code = "INTERRUPTED";
  readonly exitCode: number;

  constructor(signal: NodeJS.Signals) {
    super(`interrupted by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Takes over the signals that a run hands on to its command, until disposed. */
export function catchSignals(): Interrupts {
  const early = new AbortController();
  let handle = (signal: NodeJS.Signals): void => early.abort(new Interrupted(signal));
  const listener = (signal: NodeJS.Signals): void => handle(signal);
  for (const signal of FORWARDED) process.on(signal, listener);
  return {
    signal: early.signal,
    forwardTo(forward) {
      handle = forward;
    },
    [Symbol.dispose]() {
      for (const signal of FORWARDED) process.off(signal, listener);
    },
  };
}
