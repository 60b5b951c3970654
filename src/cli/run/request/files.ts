/** The files of this machine that the command line of a run may name, or find. */
import { readFileSync } from "node:fs";
import { accepted } from "../../../policy/problem.ts";
import type { RunFiles } from "./arguments.ts";
import type { Caller } from "../config/caller.ts";
import { findConfig } from "../config/find-config.ts";
import { presetFolders, readPreset } from "../config/presets.ts";

export function filesOfMachine(caller: Caller): RunFiles {
  const folders = presetFolders(caller.configFolder);
  return {
    readText: (path) => readFileSync(path, "utf8"),
    findConfig() {
      const directory = workingDirectory();
      return directory === undefined ? accepted(undefined) : findConfig(directory, caller);
    },
    readPreset: (name) => readPreset(name, folders),
  };
}

/** Undefined if it has been deleted: then nothing is above it either. */
function workingDirectory(): string | undefined {
  try {
    return process.cwd();
  } catch {
    return undefined;
  }
}
