/**
 * koffi's native addons for glibc, one for each architecture that the npm package is for. npm installs the
 * machine's own. Another one's package is fetched once by `npm pack`, held to the lock file's digest, and
 * kept in `node_modules/.cache`, so that packing needs no network.
 */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { type LockedPackage, readLock } from "./lock.ts";

export const ARCHITECTURES = ["x64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** Its key in the lock file. */
export function addonKey(arch: Architecture): string {
  return `node_modules/@koromix/koffi-linux-${arch}`;
}

/** The file of its package, fetched if it is not there. Throws if it is not the one of the lock file. */
export async function fetchAddon(root: string, arch: Architecture): Promise<string> {
  const addon = (await readLock(root))(addonKey(arch));
  const folder = join(root, "node_modules/.cache/egress-sidecar");
  const file = join(folder, `${addon.name.replace("@", "").replace("/", "-")}-${addon.version}.tgz`);
  if (!existsSync(file)) {
    process.stdout.write(`npm pack ${addon.name}@${addon.version}\n`);
    await mkdir(folder, { recursive: true });
    await execa("npm", [
      "pack",
      `${addon.name}@${addon.version}`,
      "--pack-destination",
      folder,
      "--ignore-scripts",
    ]);
  }
  await holdToDigest(file, addon);
  return file;
}

/** Writes `koffi-linux-ARCH.node` into the folder. */
export async function unpackAddon(root: string, arch: Architecture, folder: string): Promise<void> {
  const member = `package/linux_${arch}/koffi.node`;
  const { stdout } = await execa("tar", ["-xzOf", await fetchAddon(root, arch), member], {
    encoding: "buffer",
  });
  await writeFile(join(folder, `koffi-linux-${arch}.node`), stdout);
}

/** A file that was fetched in part is removed: the next call fetches it anew. */
async function holdToDigest(file: string, { name, integrity }: LockedPackage): Promise<void> {
  const digest = createHash("sha512")
    .update(await readFile(file))
    .digest("base64");
  if (`sha512-${digest}` === integrity) return;
  await rm(file);
  throw new Error(`${name}: what was fetched is not what package-lock.json names`);
}
