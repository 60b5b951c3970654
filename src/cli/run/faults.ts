/**
 * What is thrown where nobody waits for it, such as in a listener, while a run has set something on the
 * machine: it ends the run as any other failure does, so that all of that is undone.
 */
export interface Faults extends Disposable {
  /** Aborted by the first one, which is its reason. */
  readonly signal: AbortSignal;
  /** Rejects with it. */
  readonly first: Promise<never>;
}

/** Until disposed. `complain` gets those that come while the first one is dealt with. */
export function catchFaults(complain: (text: string) => void): Faults {
  const over = new AbortController();
  const { promise: first, reject } = Promise.withResolvers<never>();
  first.catch(() => undefined); // who waits for it hears of it
  const listener = (error: unknown): void => {
    if (over.signal.aborted) return complain(error instanceof Error ? error.message : String(error));
    over.abort(error);
    reject(error);
  };
  process.on("uncaughtException", listener);
  return {
    signal: over.signal,
    first,
    [Symbol.dispose]: () => void process.off("uncaughtException", listener),
  };
}
