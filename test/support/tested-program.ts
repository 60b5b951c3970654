/**
 * The program that tests start: the bundle, as users have it, which `bundle-once.ts` builds before the tests
 * of a run begin. It starts with a sixth of the processor time that the unbuilt one takes. Outside of such a
 * run, as in the demo, it is the unbuilt one.
 */
import { fileURLToPath } from "node:url";

/** Of the environment: the bundle's command, for whoever is started by these tests. */
export const BUNDLE_VARIABLE = "EGRESS_TESTED_BUNDLE";

export const MAIN =
  process.env[BUNDLE_VARIABLE] ?? fileURLToPath(new URL("../../src/main.ts", import.meta.url));
