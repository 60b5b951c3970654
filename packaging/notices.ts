/** The licences of the code of others in the npm package: most of them ask that their text goes along. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { LockedPackage } from "./lock.ts";

const RULE = "-".repeat(80);

/** `texts` has the licence's text by the package's key. */
export function renderNotices(
  packages: readonly LockedPackage[],
  texts: ReadonlyMap<string, string>,
): string {
  const head = "This package holds code of the packages below, under their licences.\n";
  const entries = packages.map(
    ({ key, name, version, license }) =>
      `${RULE}\n${name} ${version} (${license})\n\n${texts.get(key) ?? ""}\n`,
  );
  return [head, ...entries].join("\n");
}

/** Throws for a package that brings no text. */
export async function readLicense(folder: string): Promise<string> {
  const file = (await readdir(folder)).sort().find((name) => /^licen[cs]e(\.(md|txt))?$/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no licence file`);
  return (await readFile(join(folder, file), "utf8")).replaceAll("\r\n", "\n").trim();
}
