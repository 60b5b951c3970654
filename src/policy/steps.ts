/** Long work in short steps: whoever takes them may pause between two. */
export type Steps<T> = Generator<void, T, undefined>;

/** Takes all steps without a pause. */
export function runToEnd<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
  }
}

/** Takes steps to their end, with pauses in which everything else has its turn, or without. */
export type TakeSteps = <T>(steps: Steps<T>) => Promise<T>;
