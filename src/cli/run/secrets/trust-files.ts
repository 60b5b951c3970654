/**
 * The files by which the command's programs trust the sandbox's roots: made in a folder of the run's, which
 * the command sees as one of its own.
 */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment } from "../../../config/environment.ts";
import { encodeJavaStore } from "../../../certificates/java-store.ts";
import { SYSTEM_BUNDLES } from "../../../certificates/system-bundles.ts";
import { READABLE_BY_ALL, withUmask } from "../../../sys/umask.ts";
import type { ReadText } from "../../call/rules.ts";
import { ROOT_VARIABLES, type TrustFiles } from "./trust-environment.ts";

/** What the command sees in place of the run's folder, in its own /run. */
const SEEN_AT = "/run/egress";

export const SEEN_FILES: TrustFiles = {
  extra: join(SEEN_AT, "extra.pem"),
  bundle: join(SEEN_AT, "bundle.pem"),
  javaStore: join(SEEN_AT, "bundle.p12"),
};

/**
 * `roots` are the sandbox's, in PEM. What the caller's variables name is trusted as well, as far as it can be
 * read. Each file is replaced whole, so that a program never reads half of one. Throws Node's errors.
 */
export function writeTrustFiles(folder: string, roots: string, env: Environment): void {
  const { extra, bundle } = collectRoots(roots, env, readFile);
  replaceFile(join(folder, "extra.pem"), extra);
  replaceFile(join(folder, "bundle.pem"), bundle);
  replaceFile(join(folder, "bundle.p12"), encodeJavaStore(bundle));
}

function replaceFile(path: string, content: string | Uint8Array): void {
  const beside = `${path}.new`;
  withUmask(READABLE_BY_ALL, () => writeFileSync(beside, content));
  renameSync(beside, path);
}

function readFile(path: string): string {
  return readFileSync(path, "utf8");
}

export interface CollectedRoots {
  readonly extra: string;
  readonly bundle: string;
}

export function collectRoots(roots: string, env: Environment, readText: ReadText): CollectedRoots {
  const named = ROOT_VARIABLES.flatMap((name) => env[name] ?? []);
  const ofCaller = [...new Set(named)].flatMap((path) => readIfThere(path, readText) ?? []);
  const [system = ""] = SYSTEM_BUNDLES.flatMap((path) => readIfThere(path, readText) ?? []);
  const extra = inOne([roots, ...ofCaller]);
  return { extra, bundle: inOne([system, extra]) };
}

/** A variable may name a file that is gone; its program would have said so. */
function readIfThere(path: string, readText: ReadText): string | undefined {
  try {
    return readText(path);
  } catch {
    return undefined;
  }
}

function inOne(texts: readonly string[]): string {
  return texts.map((text) => (text === "" || text.endsWith("\n") ? text : `${text}\n`)).join("");
}
