/** A pause before something is tried again, twice as long each time, up to a longest one. */
export interface GrowingPause {
  /** Calls back after the pause; it does not keep the process alive. */
  begin(onEnd: () => void): void;
  isUnderWay(): boolean;
  /** The next one is short again. */
  shorten(): void;
  /** Nothing is called back any more. */
  cancel(): void;
}

export function createGrowingPause(firstMs: number, longestMs: number): GrowingPause {
  let lengthMs = 0;
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(onEnd) {
      lengthMs = Math.min(Math.max(2 * lengthMs, firstMs), longestMs);
      timer = setTimeout(() => {
        timer = undefined;
        onEnd();
      }, lengthMs).unref();
    },
    isUnderWay: () => timer !== undefined,
    shorten() {
      lengthMs = 0;
    },
    cancel() {
      clearTimeout(timer);
    },
  };
}
