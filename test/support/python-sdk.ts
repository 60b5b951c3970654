import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * OpenSandbox's Python SDK in a virtual environment, which `.ci/prepare` makes where the package index can be
 * reached.
 */
export const PYTHON_WITH_SDK = fileURLToPath(new URL("../../.test-tools/python/bin/python", import.meta.url));

/** Why there is none; undefined where there is. */
export function pythonSdkMissing(): string | undefined {
  return existsSync(PYTHON_WITH_SDK)
    ? undefined
    : "the Python SDK (opensandbox of PyPI) is not there: .ci/prepare could not bring it";
}
