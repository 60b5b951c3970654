/**
 * What the caller's next run would find without being told: the policy file of the working directory, and the
 * presets of the caller's folder. A command that may write there may have changed it, and the run says so.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { findConfig } from "./find-config.ts";
import type { Caller } from "./caller.ts";
import { ownPresets } from "./presets.ts";

/** By path, what tells one state of a file from another. */
export type NextRun = ReadonlyMap<string, string>;

export function findNextRun(directory: string, caller: Caller): NextRun {
  return new Map([...config(directory, caller), ...presets(caller)]);
}

/** Paths that are in one of them alone, or differ. */
export function changesOf(before: NextRun, after: NextRun): readonly string[] {
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths].filter((path) => before.get(path) !== after.get(path));
}

function config(directory: string, caller: Caller): NextRun {
  const found = findConfig(directory, caller);
  if (!found.ok) return new Map(found.problems.map(({ path, message }) => [path, message]));
  return new Map(found.value === undefined ? [] : [[found.value.path, found.value.text]]);
}

function presets({ configFolder }: Caller): NextRun {
  const folder = ownPresets(configFolder);
  if (folder === undefined) return new Map();
  try {
    const paths = readdirSync(folder).map((name) => join(folder, name));
    return new Map(paths.map((path) => [path, stateOf(path)]));
  } catch {
    return new Map(); // there is no such folder
  }
}

/** Its owner cannot set the time of the last change. */
function stateOf(path: string): string {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found === undefined ? "" : [found.dev, found.ino, found.size, found.ctimeNs].join(" ");
}
