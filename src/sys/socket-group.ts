/**
 * A group id that only our sockets have. The kernel keeps the file-system group of the thread that has opened
 * a socket, and `meta skgid` of nft(8) reads it: unlike a mark and a priority, nobody can be told it, or give
 * it to a socket that is open already.
 *
 * Not here: protection from a process that may look into this one.
 */
import { closeSync, existsSync, fstatSync, openSync, readFileSync, statSync } from "node:fs";
import { readDeathSignal, setDeathSignal } from "./death-signal.ts";
import { isDumpable, setDumpable } from "./dumpable.ts";
import { SystemCallError } from "./errors.ts";
import { tryCall } from "./libc.ts";

/** The ids of a user namespace that the machine knows, `count` from `first` on; see user_namespaces(7). */
export interface GroupRange {
  readonly first: number;
  readonly count: number;
}

export type OwnGroup =
  | { readonly ok: true; readonly group: number }
  | { readonly ok: false; readonly reason: string };

/** `setfsgid(-1)` changes nothing, and like each call of it gives back the id that held before. */
const ASK = 0xffff_ffff;
/** Ids below this may be somebody's. */
const LOWEST = 1024;
/** Fewer ids than that could be tried out together with the mark. */
const ENOUGH = 0x7fff;
const NS_GET_USERNS = 0xb701;
const EPERM = 1;

/**
 * Draws a group for this start and makes sure that sockets can have it; `below(n)` gives a random number from
 * 0 to n - 1.
 */
export function findOwnGroup(below: (limit: number) => number): OwnGroup {
  const hasUserNamespaces = existsSync("/proc/self/ns/user");
  if (hasUserNamespaces && !isNetworkOfOwnUsers()) {
    return no("the network namespace belongs to another user namespace, whose group ids are not ours");
  }
  const map = hasUserNamespaces ? readFileSync("/proc/self/gid_map", "ascii") : `0 0 ${ASK}`;
  const group = drawGroup(parseGroupMap(map), below);
  if (group === undefined) return no("this user namespace has too few group ids");
  if (!underGroup(group, () => true)) return no("CAP_SETGID is missing");
  return { ok: true, group };
}

/**
 * Runs `open`; sockets that it opens have the group. If the kernel refuses the group, it returns undefined
 * and has not run `open`. The kernel takes things from a process that changes its group (the signal at its
 * parent's death, core dumps); these are put back.
 */
export function underGroup<T>(group: number, open: () => T): T | undefined {
  const parent = process.ppid;
  const signal = readDeathSignal();
  const wasDumpable = isDumpable();
  const before = tryCall("setfsgid", group);
  try {
    return tryCall("setfsgid", ASK) === group ? open() : undefined;
  } finally {
    tryCall("setfsgid", before);
    setDeathSignal(signal);
    // It died in between.
    if (signal !== 0 && process.ppid !== parent) process.kill(process.pid, signal);
    if (wasDumpable) setDumpable(true);
  }
}

/** {@link underGroup} for a group that has been found good. Throws SystemCallError if it no longer is. */
export function mustRunUnderGroup<T extends number>(group: number, open: () => T): T {
  const result = underGroup(group, open);
  if (result === undefined) throw new SystemCallError("setfsgid", EPERM, "the sockets' own group");
  return result;
}

/** Reads `/proc/PID/gid_map`: lines of an id here, the id outside, and how many follow. */
export function parseGroupMap(text: string): readonly GroupRange[] {
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([first, , count]) => (first === undefined || count === undefined ? [] : [{ first, count }]));
}

/** One of the ids that nobody is likely to have; undefined if there are too few to draw from. */
export function drawGroup(map: readonly GroupRange[], below: (limit: number) => number): number | undefined {
  const free = map.map(({ first, count }) => {
    const from = Math.max(first, LOWEST);
    return { first: from, count: Math.max(Math.min(first + count, ASK) - from, 0) };
  });
  const total = free.reduce((sum, { count }) => sum + count, 0);
  if (total < ENOUGH) return undefined;
  let place = below(total);
  for (const { first, count } of free) {
    if (place < count) return first + place;
    place -= count;
  }
  return undefined;
}

/** nft(8) compares ids as the user namespace that owns the network namespace numbers them. */
function isNetworkOfOwnUsers(): boolean {
  const network = openSync("/proc/self/ns/net", "r");
  try {
    const owner = tryCall("ioctl", network, NS_GET_USERNS, 0);
    if (owner < 0) return false; // EPERM: it is above ours
    try {
      return fstatSync(owner).ino === statSync("/proc/self/ns/user").ino;
    } finally {
      closeSync(owner);
    }
  } finally {
    closeSync(network);
  }
}

function no(reason: string): OwnGroup {
  return { ok: false, reason };
}
