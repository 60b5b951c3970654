/**
 * Something that is opened when it is first used, stays open between uses, and is opened anew after a use
 * that failed. One use at a time.
 */
export interface KeptOpen<T> {
  /** Rejects as `open` or the task does. */
  use<Result>(task: (opened: T) => Promise<Result>): Promise<Result>;
  /** The same for a task that is done when it returns. */
  useAtOnce<Result>(task: (opened: T) => Result): Result;
  /** After the last use. */
  close(): void;
}

export function keepOpen<T extends { close(): void }>(open: () => T): KeptOpen<T> {
  let opened: T | undefined;
  const get = (): T => (opened ??= open());
  function close(): void {
    const last = opened;
    opened = undefined;
    last?.close();
  }
  return {
    async use(task) {
      try {
        return await task(get());
      } catch (error) {
        // An answer that was asked for may still come: the next use must not take it for its own.
        close();
        throw error;
      }
    },
    useAtOnce(task) {
      try {
        return task(get());
      } catch (error) {
        close();
        throw error;
      }
    },
    close,
  };
}
