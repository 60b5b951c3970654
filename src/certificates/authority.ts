/**
 * The certificates by which the workload takes us for the hosts that are bound: roots, each constrained to
 * the hosts for which it was made, and leaves for one name each. Keys are in memory alone. Not here: which
 * names are bound, and where the bundle is written (`io/`).
 *
 * Known limit: a process that has read the bundle once trusts the roots of that time. A host that was bound
 * later is refused by it, and so is every host once the last of these roots has an hour left.
 */
import { covers, type HostPattern } from "./host-pattern.ts";
import { createRoot, type Leaf, type Root, ROOT_LIFE_MS } from "./root.ts";

/** The next root is in the bundle for so long before it signs. */
const RENEW_BEFORE_MS = ROOT_LIFE_MS / 2;

/** A leaf is good for at least so long when it is given out. */
const LEAF_LIFE_MS = 3_600_000;

const MOST_ROOTS = 8;
const MOST_LEAVES = 512;

export interface CertificateAuthority {
  /** From now on there are leaves for these hosts and no others. Whether the bundle has changed. */
  cover(hosts: readonly HostPattern[]): boolean;
  /** Lets roots go that are over, makes those that follow on them. Whether the bundle has changed. */
  renew(): boolean;
  /** In canonical form: as a client's SNI, in lower case. Undefined for a name that is not covered. */
  leafFor(name: string): Leaf | undefined;
  /** All roots, in PEM; empty while nothing is covered. */
  bundle(): string;
}

interface KeptLeaf {
  readonly leaf: Leaf;
  readonly root: Root;
}

/** `nowMs` is the wall clock's time. */
export function createAuthority(nowMs: () => number): CertificateAuthority {
  let hosts: readonly HostPattern[] = [];
  /** The oldest first. */
  let roots: readonly Root[] = [];
  /** By name, the one that was asked for longest ago first. */
  const leaves = new Map<string, KeptLeaf>();

  function renew(): boolean {
    const now = nowMs();
    const before = roots;
    roots = roots.filter(({ notAfterMs }) => notAfterMs > now);
    const fresh = roots.filter(({ notAfterMs }) => notAfterMs - now > RENEW_BEFORE_MS);
    const missing = hosts.filter((host) => !fresh.some((root) => root.covers(host)));
    if (missing.length > 0) roots = addRoot(missing, now);
    if (roots.length === before.length && roots.every((root, index) => root === before[index])) return false;
    for (const [name, leaf] of leaves) if (!roots.includes(leaf.root)) leaves.delete(name);
    return true;
  }

  /**
   * Over the bound the roots go that serve nobody, then the oldest ones, whose hosts the new root takes over.
   */
  function addRoot(missing: readonly HostPattern[], now: number): readonly Root[] {
    if (roots.length < MOST_ROOTS) return [...roots, createRoot(missing, now)];
    const used = roots.filter((root) => hosts.some((host) => root.covers(host)));
    if (used.length < MOST_ROOTS) return [...used, createRoot(missing, now)];
    return [...used.slice(1 - MOST_ROOTS), createRoot(hosts, now)];
  }

  return {
    cover(wanted) {
      hosts = [...new Set(wanted)];
      for (const name of leaves.keys()) if (!isCovered(name)) leaves.delete(name);
      return renew();
    },
    renew,
    leafFor(name) {
      const kept = leaves.get(name);
      leaves.delete(name);
      const found = kept !== undefined && isGood(kept.root) ? kept : sign(name);
      if (found === undefined) return undefined;
      leaves.set(name, found);
      const [longestIdle = name] = leaves.keys();
      if (leaves.size > MOST_LEAVES) leaves.delete(longestIdle);
      return found.leaf;
    },
    bundle: () => roots.map(({ certificate }) => certificate).join(""),
  };

  /** By the oldest root that lives long enough: most processes have read that one. */
  function sign(name: string): KeptLeaf | undefined {
    const root = isCovered(name) ? roots.find((one) => one.covers(name) && isGood(one)) : undefined;
    return root === undefined ? undefined : { leaf: root.sign(name), root };
  }

  function isGood({ notAfterMs }: Root): boolean {
    return notAfterMs - nowMs() > LEAF_LIFE_MS;
  }

  function isCovered(name: string): boolean {
    return hosts.some((host) => covers(host, name));
  }
}
