/** The lab of a test file: made before its tests, or before each of them, and removed after. */
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { createLab, type Lab, type LabOptions } from "./lab.ts";

export interface UseLabOptions extends LabOptions {
  /** Whether the file's tests share one lab or each gets its own; default: `file`. */
  readonly per?: "file" | "test";
}

/**
 * Registers the hooks, and gives a lab for hooks and tests. Hooks that a file registers after this call find
 * the lab made, and their counterparts run before it is removed. Inside `describe` the lab lives as long as
 * that block.
 */
export function useLab({ per = "file", ...options }: UseLabOptions = {}): Lab {
  let made: Lab | undefined;
  const start = async (): Promise<void> => {
    made = await createLab(options);
  };
  const end = async (): Promise<void> => {
    await made?.[Symbol.asyncDispose]();
    made = undefined;
  };
  if (per === "file") {
    beforeAll(start);
    afterAll(end);
  } else {
    beforeEach(start);
    afterEach(end);
  }
  return labOf(() => {
    if (made === undefined) throw new Error("the lab is made by a hook: use it in hooks and tests");
    return made;
  });
}

/** The lab that `current` gives at each use. */
function labOf(current: () => Lab): Lab {
  return {
    get sandbox() {
      return current().sandbox;
    },
    get internet() {
      return current().internet;
    },
    get ipv6() {
      return current().ipv6;
    },
    get stateFolder() {
      return current().stateFolder;
    },
    get upstream() {
      return current().upstream;
    },
    get web() {
      return current().web;
    },
    get echo() {
      return current().echo;
    },
    get canary() {
      return current().canary;
    },
    startSidecar: (options) => current().startSidecar(options),
    asWorkload: (argv, options) => current().asWorkload(argv, options),
    startAsWorkload: (argv, options) => current().startAsWorkload(argv, options),
    dig: (...args) => current().dig(...args),
    curl: (...args) => current().curl(...args),
    curlFromOutside: (...args) => current().curlFromOutside(...args),
    [Symbol.asyncDispose]: () => current()[Symbol.asyncDispose](),
  };
}
