/**
 * Whether this process is root of a user namespace that holds one user alone, as `unshare --map-root-user`
 * makes it; see user_namespaces(7).
 */
import { existsSync, readFileSync } from "node:fs";

export interface MappedUser {
  readonly uid: number;
  readonly gid: number;
}

/** Who root is outside; undefined if this is no such namespace. */
export function findMappedUser(): MappedUser | undefined {
  const [uid, gid] = [readMap("/proc/self/uid_map"), readMap("/proc/self/gid_map")];
  return uid === undefined || gid === undefined ? undefined : { uid, gid };
}

function readMap(path: string): number | undefined {
  return existsSync(path) ? parseSingleMap(readFileSync(path, "ascii")) : undefined;
}

/** The outside id of a map with one line for 0 alone; undefined for any other map, and for root outside. */
export function parseSingleMap(text: string): number | undefined {
  const [, id] = /^\s*0\s+(\d+)\s+1\s*$/.exec(text) ?? [];
  return id === undefined || id === "0" ? undefined : Number(id);
}
