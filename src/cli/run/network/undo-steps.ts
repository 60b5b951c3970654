/**
 * Undoes what was made, in reverse order, every step whatever became of the others: a failure is reported,
 * and replaces no result.
 */
export interface UndoSteps extends AsyncDisposable {
  /** `what` is a verb and its object, as in "remove the link". */
  step(what: string, action: () => unknown): void;
}

export function createUndoSteps(warn: (text: string) => void): UndoSteps {
  const stack = new AsyncDisposableStack();
  return {
    step(what, action) {
      stack.defer(async () => {
        try {
          await action();
        } catch (error) {
          warn(`cannot ${what}: ${reasonOf(error)}; "egress run --clean" does it, or the next run`);
        }
      });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
