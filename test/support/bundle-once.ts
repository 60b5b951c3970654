/** Before the tests of a run: builds the program that they start, once for all of their files. */
import { buildProgram } from "./built-program.ts";
import { BUNDLE_VARIABLE } from "./tested-program.ts";

/** Called by vitest, before the processes that inherit the variable; what comes back is called at the end. */
export default async function setup(): Promise<() => Promise<void>> {
  const built = await buildProgram();
  process.env[BUNDLE_VARIABLE] = built.main;
  return async () => built[Symbol.asyncDispose]();
}
