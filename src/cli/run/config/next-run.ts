/**
 * What the caller's next run would read: the policy file of the working directory, the presets of the
 * caller's folder, and the files that this run was given. A command that may write there, or rename a folder
 * above, may have changed it, and the run says so.
 */
import { type BigIntStats, readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { findConfig } from "./find-config.ts";
import type { Caller } from "./caller.ts";
import { ownPresets } from "./presets.ts";

/** By path, what tells one state of a file from another. */
export type NextRun = ReadonlyMap<string, string>;

/** `given` are the paths of files that this run has read. */
export function findNextRun(directory: string, caller: Caller, given: readonly string[]): NextRun {
  const named = given.map((path) => resolve(directory, path));
  return new Map([...states(named), ...config(directory, caller), ...presets(caller)]);
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
    return states(readdirSync(folder).map((name) => join(folder, name)));
  } catch {
    return new Map(); // there is no such folder
  }
}

function states(paths: readonly string[]): NextRun {
  return new Map(paths.map((path) => [path, stateOf(path)]));
}

/** Its owner cannot set the time of the last change. */
function stateOf(path: string): string {
  const found = statIfReached(path);
  // What is no file, such as a pipe of the shell's, is nothing that a next run could read.
  return found?.isFile() !== true ? "" : [found.dev, found.ino, found.size, found.ctimeNs].join(" ");
}

function statIfReached(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined; // it is gone, or in a folder that is none any more
  }
}
