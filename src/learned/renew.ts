/** Addresses that flows use: they live on, also past the time of the answer that gave them. */
import { keyOctets } from "../tables/octet-key.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import * as life from "./life.ts";
import type { LearnedStore } from "./store.ts";

export interface LearnedRenewal {
  /**
   * Gives addresses that flows use a longer life, and those back whose time is just over, as far as they are
   * known. Throws LearnedSetError.
   */
  renew(inUse: ReadonlySet<string>): void;
  /** Whether some address's time is over that a flow may use: one that began after the round at this time. */
  hasLapsedSince(nowMs: number): boolean;
}

/** `graceMs` is how long an address stays after flows have used it. */
export function createLearnedRenewal(
  { table, clock, prolong, commit, figures }: LearnedStore,
  graceMs: number,
): LearnedRenewal {
  return {
    renew(inUse) {
      const nowMs = clock();
      for (const text of inUse) {
        const key = keyOctets(text);
        const known = table.find(key, 0, key.length);
        if (known === NO_SLOT || !table.hasOwner(known)) continue;
        table.use(known, nowMs, true);
        if (table.untilMs(known) >= nowMs + graceMs + life.IN_USE_LEFT_MS) continue;
        prolong(known, nowMs + graceMs + life.IN_USE_MS, nowMs);
        figures.renewals += 1;
      }
      commit();
    },
    hasLapsedSince: (roundMs) => table.hasOneUntil(roundMs, clock()),
  };
}
