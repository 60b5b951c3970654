/** Long work in short steps: the caller may pause between two of them. */
export type Steps<T> = Generator<void, T, undefined>;

/** Takes all steps without a pause. */
export function runToEnd<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Takes steps to their end, without pauses, or with pauses in which all other work gets its turn. */
export type TakeSteps = <T>(steps: Steps<T>) => Promise<T>;
