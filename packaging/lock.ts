/**
 * What the lock file and the installed packages say of a package, read as far as the npm package's papers
 * need it.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface LockedPackage {
  /** Its folder, from the project's. */
  readonly key: string;
  readonly name: string;
  readonly version: string;
  /** `sha512-` and the digest in base64. */
  readonly integrity: string;
  /** An SPDX identifier or expression. */
  readonly license: string;
}

type Lock = Readonly<
  Record<string, { readonly version?: string; readonly integrity?: string; readonly license?: string }>
>;

/** Throws for a key that the lock file does not have, or has without one of these. */
export async function readLock(root: string): Promise<(key: string) => LockedPackage> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm writes it; what is used of it is checked below
  const { packages } = JSON.parse(await readFile(join(root, "package-lock.json"), "utf8")) as {
    readonly packages: Lock;
  };
  return (key) => {
    const { version, integrity, license } = packages[key] ?? {};
    if (version === undefined || integrity?.startsWith("sha512-") !== true || license === undefined)
      throw new Error(`package-lock.json has no version, SHA-512 or licence of ${key}`);
    return {
      key,
      name: key.slice(key.lastIndexOf("node_modules/") + "node_modules/".length),
      version,
      integrity,
      license,
    };
  };
}
