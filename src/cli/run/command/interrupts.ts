/** Signals that reach `egress run` itself. */
import { InterruptedError } from "../errors.ts";

const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGUSR1", "SIGUSR2"] as const;

export interface Interrupts extends Disposable {
  /** Aborted by a signal that comes before there is a command to hand it to. */
  readonly signal: AbortSignal;
  forwardTo(forward: (signal: NodeJS.Signals) => void): void;
}

/** Takes over the signals that a run hands on to its command, until disposed. */
export function catchSignals(): Interrupts {
  const early = new AbortController();
  let handle = (signal: NodeJS.Signals): void => early.abort(new InterruptedError(signal));
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
