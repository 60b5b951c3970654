/** Which npm packages have code in a bundle, by their keys in the lock file, such as `node_modules/hono`. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RolldownOutput } from "rolldown";

type Bundle = "egress" | "client";

const listPath = (folder: string, bundle: Bundle): string => join(folder, `${bundle}-contents.json`);

/**
 * Written beside the bundle, for the bill of materials and the notices of the npm package. It is no part of
 * that package.
 */
export async function writeContents(folder: string, bundle: Bundle, ids: readonly string[]): Promise<void> {
  const keys = new Set(ids.flatMap((id) => lockKey(id) ?? []));
  await writeFile(listPath(folder, bundle), `${JSON.stringify([...keys].sort(), undefined, 2)}\n`);
}

export function moduleIdsOf({ output }: RolldownOutput): readonly string[] {
  return output.flatMap((file) => (file.type === "chunk" ? file.moduleIds : []));
}

export async function readContents(folder: string): Promise<readonly string[]> {
  const lists = await Promise.all(
    (["egress", "client"] as const).map(async (bundle) => {
      const list: unknown = JSON.parse(await readFile(listPath(folder, bundle), "utf8"));
      if (!Array.isArray(list)) throw new Error(`${listPath(folder, bundle)} holds no list`);
      return list.map(String);
    }),
  );
  return [...new Set(lists.flat())].sort();
}

/** Undefined for the project's own modules and those that the build makes up. */
function lockKey(moduleId: string): string | undefined {
  return /^[^\0]*?\/(node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+)\//.exec(moduleId)?.[1];
}
