/** What a run has seen of its command: each denied name and address once, with how often; within bounds. */
import type { Cause, Flow, ShownAt, Sighting } from "./sighting.ts";

/** A name or an address that was denied. */
export interface Denied {
  readonly kind: "name" | "address";
  readonly subject: string;
  readonly cause: Cause;
  /** Of the first refused connection; of a name that was looked up undefined. */
  readonly flow: Flow | undefined;
  /** Of a name that a connection has shown. */
  readonly shownAt?: ShownAt | undefined;
  /** The name that last gave the address. */
  readonly host: string | undefined;
  /** What would let it pass, good for `--allow`; if it is missing, the subject is. */
  readonly remedy?: string;
  count: number;
}

/** An allowed name of which no lookup has been answered. */
export interface Failed {
  readonly kind: "failed";
  readonly subject: string;
  readonly reason: string;
  readonly upstream: string | undefined;
}

export interface Ledger {
  /**
   * Takes it in; gives what is new by it, a name or an address that was not denied, or had not failed,
   * before.
   */
  add(sighting: Sighting): Denied | Failed | undefined;
  /** In the order in which they came. */
  denied(): readonly Denied[];
  /** Without those that a later lookup has found. */
  failed(): readonly Failed[];
  /** Whether a lookup of this name was denied. */
  hasDenied(name: string): boolean;
  /** Whether a lookup of this name was allowed, as long as there is room to remember it. */
  hasAllowed(name: string): boolean;
  /** Denials that there was no room for, or that the log counts without a name. */
  others(): number;
}

/** Of each: denied names, denied addresses, failed names, allowed names. */
export const SUBJECTS_KEPT = 4_096;

export function createLedger(kept = SUBJECTS_KEPT): Ledger {
  const names = new Map<string, Denied>();
  const addresses = new Map<string, Denied>();
  const failed = new Map<string, Failed>();
  const allowed = new Set<string>();
  let others = 0;

  function deny(entries: Map<string, Denied>, entry: Denied): Denied | undefined {
    const before = entries.get(entry.subject);
    if (before !== undefined) before.count += entry.count;
    else if (entries.size >= kept) others += entry.count;
    else entries.set(entry.subject, entry);
    return entries.get(entry.subject) === entry ? entry : undefined;
  }

  return {
    add(sighting) {
      switch (sighting.kind) {
        case "denied-name": {
          const { name: subject, cause, count, flow, shownAt } = sighting;
          if (subject !== undefined)
            return deny(names, { kind: "name", subject, cause, flow, shownAt, host: undefined, count });
          others += count;
          return undefined;
        }
        case "denied-address": {
          const { address: subject, cause, flow, host, count } = sighting;
          if (subject !== undefined)
            return deny(addresses, { kind: "address", subject, cause, flow, host, count });
          others += count;
          return undefined;
        }
        case "failed": {
          const { name: subject, reason, upstream } = sighting;
          if (failed.has(subject) || failed.size >= kept) return undefined;
          const entry = { kind: "failed", subject, reason, upstream } as const;
          failed.set(subject, entry);
          return entry;
        }
        case "allowed":
          failed.delete(sighting.name);
          if (allowed.size < kept) allowed.add(sighting.name);
      }
      return undefined;
    },
    denied: () => [...names.values(), ...addresses.values()],
    failed: () => [...failed.values()],
    hasDenied: (name) => names.has(name),
    hasAllowed: (name) => allowed.has(name),
    others: () => others,
  };
}
