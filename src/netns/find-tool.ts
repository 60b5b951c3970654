/** Where the machine's programs are. Apart from what runs them, which no start of a sidecar has to load. */
import { accessSync, constants, statSync } from "node:fs";
import { join } from "node:path";
import { missingToolHint } from "./errors.ts";

/**
 * The programs of the list that are not on `path`, a list of folders, each with the package that brings it.
 */
export function missingTools(tools: readonly string[], path: string): readonly string[] {
  return tools.filter((tool) => findTool(tool, path) === undefined).map(missingToolHint);
}

/** Where the program is on `path`, a list of folders. */
export function findTool(tool: string, path: string): string | undefined {
  return path
    .split(":")
    .map((folder) => join(folder, tool))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
