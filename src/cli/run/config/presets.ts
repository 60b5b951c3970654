/**
 * Lists of targets that may be reached, by name: the caller's own, and those that come with the program in
 * `rules/presets`.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { findShippedRules } from "../../../config/shipped-rules.ts";
import { accepted, quote, refused, type Result } from "../../../policy/problem.ts";
import type { Rule } from "../../../policy/rule.ts";
import { parseConfig } from "./parse-config.ts";
import { type FoundFile, readPersonsFile } from "./read-file.ts";
import { isPresetName } from "./shape.ts";

export interface Preset {
  readonly path: string;
  readonly rules: readonly Rule[];
}

const ENDINGS = [".yaml", ".yml", ".json"];

/** In the order in which a name is looked for. */
export function presetFolders(configFolder: string | undefined): readonly string[] {
  const shipped = findShippedRules();
  return [
    ...[ownPresets(configFolder) ?? []].flat(),
    ...(shipped === undefined ? [] : [join(shipped, "presets")]),
  ];
}

/** The caller keeps presets there. */
export function ownPresets(configFolder: string | undefined): string | undefined {
  return configFolder === undefined ? undefined : join(configFolder, "egress", "presets");
}

/** Its file is a policy file, of rules alone. */
export function readPreset(name: string, folders: readonly string[]): Result<Preset> {
  const place = `--preset ${name}`;
  if (!isPresetName(name)) return refused("is no name of a preset: small letters, digits and hyphens", place);
  let file: FoundFile | undefined;
  try {
    file = find(name, folders);
  } catch (error) {
    return refused(error instanceof Error ? error.message : String(error), place);
  }
  if (file === undefined) return refused(`there is no preset ${quote(name)}; ${listOf(folders)}`, place);
  const config = parseConfig(file.text, file.path);
  if (!config.ok) return config;
  const { presets, defaultAction, rules } = config.value;
  if (presets.length > 0) return refused("a preset names no others: write their targets into it", file.path);
  if (defaultAction === "allow")
    return refused("a preset is of rules alone: take out defaultAction", file.path);
  return accepted({ path: file.path, rules });
}

function find(name: string, folders: readonly string[]): FoundFile | undefined {
  for (const path of folders.flatMap((folder) => ENDINGS.map((ending) => join(folder, name + ending)))) {
    const file = readAt(path);
    if (file !== undefined) return file;
  }
  return undefined;
}

function readAt(path: string): FoundFile | undefined {
  try {
    return readPersonsFile(path);
  } catch (error) {
    throw new Error(`${path} ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function listOf(folders: readonly string[]): string {
  const names = folders.flatMap((folder) => {
    try {
      return readdirSync(folder).map((file) => file.replace(/\.[a-z]+$/, ""));
    } catch {
      return []; // a folder that is not there holds none
    }
  });
  const known = [...new Set(names.filter(isPresetName))].toSorted();
  return known.length === 0 ? `no preset is in ${folders.join(", ")}` : `there are ${known.join(", ")}`;
}
