/**
 * Looks for a policy file in the working directory and the folders above it, up to the root of the repository
 * or the caller's home. A file that others can write to is not taken by being there: they would decide what
 * the command may reach.
 */
import { dirname, join } from "node:path";
import { accepted, refused, type Result } from "../../../policy/problem.ts";
import type { Caller } from "./caller.ts";
import { type FoundFile, isThere, readPersonsFile } from "./read-file.ts";

const NAMES = ["egress.yaml", "egress.yml", "egress.json"];
const REMEDY = "--config FILE takes it, --no-config does without";

/** Undefined if there is none. `directory` is absolute, with no links in it. */
export function findConfig(directory: string, caller: Caller): Result<FoundFile | undefined> {
  for (let folder = directory; ; folder = dirname(folder)) {
    const found = findIn(folder, caller);
    if (!found.ok || found.value !== undefined) return found;
    if (isTop(folder, caller)) return accepted(undefined);
  }
}

/** Where the search ends: what is above is nobody's project. */
function isTop(folder: string, { home }: Caller): boolean {
  return folder === home || folder === dirname(folder) || isThere(join(folder, ".git"));
}

function findIn(folder: string, { uids }: Caller): Result<FoundFile | undefined> {
  const found: FoundFile[] = [];
  for (const path of NAMES.map((name) => join(folder, name))) {
    try {
      const file = readPersonsFile(path);
      if (file !== undefined) found.push(file);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      return refused(`${message}; put that right, or --no-config does without`, path);
    }
  }
  const [file, other] = found;
  if (file === undefined) return accepted(undefined);
  if (other !== undefined)
    return refused(`stands beside ${other.path}: keep one of them; or ${REMEDY}`, file.path);
  const stranger = file.writers.find((writer) => writer === "all" || !uids.has(writer));
  if (stranger === "all") return refused(`everybody may write to it; ${REMEDY}`, file.path);
  if (stranger !== undefined)
    return refused(`it belongs to user ${stranger}, not to you; ${REMEDY}`, file.path);
  return accepted(file);
}
