/** The machine of a test file, in the file's lab; after each test it is as if no run had ever been there. */
import assert from "node:assert/strict";
import { afterEach, beforeAll } from "vitest";
import type { Lab } from "./lab.ts";
import { createMachine, type Machine, UNTOUCHED } from "./machine.ts";

/** Call it after `useLab`, whose lab it needs made. */
export function useMachine(lab: Lab): Machine {
  let made: Machine | undefined;
  const current = (): Machine => {
    if (made === undefined) throw new Error("the machine is made by a hook: use it in hooks and tests");
    return made;
  };
  beforeAll(() => {
    made = createMachine(lab);
  });
  afterEach(async () => {
    assert.deepEqual(await current().state(), UNTOUCHED);
  });
  return {
    run: (args, options) => current().run(args, options),
    start: (args, options) => current().start(args, options),
    startReady: (args, options) => current().startReady(args, options),
    state: () => current().state(),
    insiders: (run) => current().insiders(run),
    spawn: (argv) => current().spawn(argv),
  };
}
