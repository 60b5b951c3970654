/**
 * Which interfaces forward because of runs, remembered past the process that has switched that on: as an
 * empty nftables table, and as a file. The table is for runs that share the network namespace but not /run;
 * the file is there when somebody has flushed the ruleset.
 */
import { readdirSync, readFileSync, rmdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Tables } from "../../../netfilter/io/tables.ts";
import { writeIntoFolder } from "../../../sys/make-folder.ts";
import { findLivingNamespaces } from "./living-namespaces.ts";

const FOLDER = "/run/egress-forwarding";
const TABLE = /^egress_forwarding_(\d+)$/;
const FILE = /^net-(\d+)-(\d+)$/;

/** By interface number. Throws SystemCallError, NetlinkError. */
export function rememberedInterfaces(tables: Tables): ReadonlySet<number> {
  const named = tables.list().flatMap((name) => TABLE.exec(name)?.[1] ?? []);
  return new Set([...named, ...rememberedInFiles()].map(Number));
}

/** Throws SystemCallError, NetlinkError; gives back why there is no file, if there can be none. */
export function rememberInterface(tables: Tables, index: number): string | undefined {
  tables.make(`egress_forwarding_${index}`);
  try {
    // A run in another network namespace removes the folder when nothing is left in it.
    writeIntoFolder(fileOf(index), bootId());
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

export function forgetInterface(tables: Tables, index: number): void {
  tables.remove(`egress_forwarding_${index}`);
  rmSync(fileOf(index), { force: true });
  removeIfEmpty();
}

function removeIfEmpty(): void {
  try {
    rmdirSync(FOLDER);
  } catch {
    return; // it is not there, or others remember something in it
  }
}

/**
 * Removes the files of network namespaces that are gone, with whatever forwarded in them, and those of
 * another boot; gives back their paths. A namespace that lives and was not found has its tables still.
 */
export function forgetGoneNamespaces(): readonly string[] {
  const boot = bootId();
  const parts = (name: string) => ({
    inode: FILE.exec(name)?.[1],
    isOurBoot: readText(join(FOLDER, name)) === boot,
  });
  const isOwn = (name: string): boolean => parts(name).inode === ownNamespace() && parts(name).isOurBoot;
  const others = listFolder().filter((name) => FILE.test(name) && !isOwn(name));
  if (others.length === 0) return [];
  const living = findLivingNamespaces();
  const gone = others
    .filter((name) => {
      const { inode = "", isOurBoot } = parts(name);
      return !isOurBoot || living?.has(inode) === false;
    })
    .map((name) => join(FOLDER, name));
  for (const path of gone) rmSync(path, { force: true });
  removeIfEmpty();
  return gone;
}

/** A file of another boot, which a /run on disk keeps, says nothing of this namespace. */
function rememberedInFiles(): readonly string[] {
  return listFolder().flatMap((name) => {
    const [, namespace, index = ""] = FILE.exec(name) ?? [];
    return namespace === ownNamespace() && readText(join(FOLDER, name)) === bootId() ? [index] : [];
  });
}

function listFolder(): readonly string[] {
  try {
    return readdirSync(FOLDER);
  } catch {
    return []; // nothing has ever been remembered here
  }
}

function fileOf(index: number): string {
  return join(FOLDER, `net-${ownNamespace()}-${index}`);
}

function ownNamespace(): string {
  return String(statSync("/proc/self/ns/net").ino);
}

function bootId(): string {
  return readText("/proc/sys/kernel/random/boot_id");
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
