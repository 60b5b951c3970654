/**
 * A lookup's queries over UDP: which upstream is asked next, when, and in what style. The policy is asked
 * before each but the first, so that a name which a change has denied meanwhile is not asked again.
 */
import type { Attempts } from "./attempts.ts";
import { Style, type UpstreamHabits } from "./habits.ts";
import type { UpstreamHealth } from "./health.ts";
import type { Lookup } from "./lookups.ts";

/** First wait before another upstream is tried, too; it doubles from try to try. */
export const HEDGE_MS = 300;
/** Silent tries in the usual style, after which one is plain. */
const HARDENED_TRIES = 2;

export interface TriesOptions {
  readonly attempts: Attempts;
  readonly habits: UpstreamHabits;
  readonly health: UpstreamHealth;
  /** How many upstreams there are. */
  readonly count: number;
  /** Whether the lookup may go on; if not, it has been ended. */
  readonly mayGoOn: (lookup: Lookup) => boolean;
}

export interface Tries {
  /**
   * Asks the next upstream. One that no socket can be had for is passed over, as long as there are others to
   * ask.
   */
  next(lookup: Lookup, nowMs: number): void;
  /** Asks the upstream once more, in lower case. */
  plainly(lookup: Lookup, upstream: number, nowMs: number): void;
  /** Asks the upstream once more, without EDNS, which no later try has either. */
  withoutEdns(lookup: Lookup, upstream: number, nowMs: number): void;
  /** The asked upstreams whose answer a held "no" of that upstream waits for. */
  awaited(lookup: Lookup, upstream: number): number;
}

export function createTries({ attempts, habits, health, count, mayGoOn }: TriesOptions): Tries {
  const every = 2 ** count - 1;

  function awaited(lookup: Lookup, upstream: number): number {
    const before = count === 1 ? 0 : health.before(upstream);
    return ((lookup.asked & before) | lookup.doubted) & ~lookup.exhausted;
  }

  function send(lookup: Lookup, upstream: number, style: number): boolean {
    const isSent = attempts.send(lookup, upstream, style);
    if (isSent) lookup.tries += 1;
    if (style !== Style.hardened) lookup.askedPlainly |= 1 << upstream;
    return isSent;
  }

  /**
   * After two silent tries the next is plain: in lower case and, unless the upstream has shown that it takes
   * it, without EDNS.
   */
  function styleFor(lookup: Lookup, upstream: number, nowMs: number): number {
    const isDoubted = (lookup.doubted & (1 << upstream)) !== 0;
    const usual = habits.style(upstream, nowMs) | (isDoubted ? Style.lowerCase : 0);
    if (lookup.tries < HARDENED_TRIES || lookup.tries > HARDENED_TRIES + 1) return usual;
    const keepsEdns = habits.provesEdns(upstream, nowMs) || (count === 1 && lookup.tries === HARDENED_TRIES);
    return usual | Style.lowerCase | (keepsEdns ? 0 : Style.withoutEdns);
  }

  /** With a "no" at hand only those are asked again that it waits for. */
  function choose({ asked, exhausted, tries, held }: Lookup, waitedFor: number): number {
    if (held === undefined || held.isLastResort) return health.choose(asked, exhausted, tries);
    return health.choose(every, every & ~waitedFor, tries);
  }

  return {
    awaited,
    next(lookup, nowMs) {
      lookup.nextTryMs = nowMs + HEDGE_MS * 2 ** Math.min(lookup.tries, 4);
      if (lookup.tries > 0 && !mayGoOn(lookup)) return;
      for (let looked = 0; looked < count; looked++) {
        const waitedFor = lookup.held === undefined ? 0 : awaited(lookup, lookup.held.upstream);
        const upstream = choose(lookup, waitedFor);
        if (upstream < 0) return;
        lookup.upstream = upstream;
        lookup.asked |= 1 << upstream;
        if (send(lookup, upstream, styleFor(lookup, upstream, nowMs))) return;
        health.timedOut(upstream);
      }
    },
    plainly(lookup, upstream, nowMs) {
      if (!mayGoOn(lookup)) return;
      lookup.nextTryMs = nowMs + HEDGE_MS;
      send(lookup, upstream, habits.style(upstream, nowMs) | Style.lowerCase);
    },
    withoutEdns(lookup, upstream, nowMs) {
      if (!mayGoOn(lookup)) return;
      lookup.edns = false;
      send(lookup, upstream, habits.style(upstream, nowMs) | Style.withoutEdns);
    },
  };
}
