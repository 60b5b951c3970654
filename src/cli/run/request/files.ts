/** The files of this machine that the command line of a run may name, or find. */
import { readFileSync } from "node:fs";
import { accepted } from "../../../policy/problem.ts";
import type { RunFiles } from "./arguments.ts";
import { findWorkingDirectory } from "../given/working-directory.ts";
import type { Caller } from "../config/caller.ts";
import { findConfig } from "../config/find-config.ts";
import { presetFolders, readPreset } from "../config/presets.ts";

export function filesOfMachine(caller: Caller): RunFiles {
  const folders = presetFolders(caller.configFolder);
  return {
    readText: (path) => readFileSync(path, "utf8"),
    findConfig() {
      const directory = findWorkingDirectory();
      // If it has been deleted, nothing is above it either.
      if (!directory.ok) return directory;
      return directory.value === undefined ? accepted(undefined) : findConfig(directory.value, caller);
    },
    readPreset: (name) => readPreset(name, folders),
  };
}
