/** Runs tasks one after the other, in the order of their calls; one that fails does not hold up the next. */
export interface TaskQueue {
  run<T>(task: () => Promise<T>): Promise<T>;
  /** Settles when all tasks given so far are done. */
  idle(): Promise<void>;
}

export function createTaskQueue(): TaskQueue {
  let last: Promise<unknown> = Promise.resolve();
  return {
    run(task) {
      const result = last.then(task);
      last = result.catch(() => undefined);
      return result;
    },
    async idle() {
      await last;
    },
  };
}
