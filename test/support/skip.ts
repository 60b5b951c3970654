import type { TestContext } from "vitest";

declare module "vitest" {
  interface TaskMeta {
    /** Why a test was skipped; `.ci/run` takes a skip without it for a failure. */
    skipReason?: string;
  }
}

/** Ends the running test as skipped, with the reason on record. */
export function skipBecause(context: TestContext, reason: string): never {
  context.task.meta.skipReason = reason;
  return context.skip(reason);
}
