/**
 * Brings a ConfigMap into a folder as the kubelet does: a folder of its own for each state, and one link that
 * is swapped.
 */
import { lstat, mkdir, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";

/**
 * `..data` points to the newest state, and each file to one of that name below it; the state before is
 * removed.
 */
export async function bringConfigMap(folder: string, data: Readonly<Record<string, string>>): Promise<void> {
  const link = join(folder, "..data");
  const before = await readlink(link).catch(() => undefined);
  const state = `..${process.hrtime.bigint().toString()}`;
  await mkdir(join(folder, state), { recursive: true });
  for (const [name, text] of Object.entries(data)) await writeFile(join(folder, state, name), text);
  await symlink(state, join(folder, "..data_tmp"));
  await rename(join(folder, "..data_tmp"), link);
  for (const name of Object.keys(data)) {
    const isThere = await lstat(join(folder, name)).catch(() => undefined);
    if (isThere === undefined) await symlink(join("..data", name), join(folder, name));
  }
  if (before !== undefined) await rm(join(folder, before), { recursive: true });
}
