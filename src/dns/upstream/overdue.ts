/** What becomes of a lookup as time goes by: the next upstream is asked, or it is over. */
import type { Endings } from "./endings.ts";
import type { Hearing } from "./hearing.ts";
import { MAX_TRIES, type Lookup } from "./lookups.ts";

export interface OverdueOptions {
  /** How many upstreams there are. */
  readonly count: number;
  readonly endings: Pick<Endings, "giveUp">;
  readonly hearing: Pick<Hearing, "silence">;
  /** The upstream has not answered yet; `isTimeout`: nor within the lookup's whole time. */
  readonly onSilence: (upstream: number, isTimeout: boolean) => void;
}

/** Looks at one lookup, which it may end. Call it every 50 ms or so. */
export type LookWhatIsOverdue = (lookup: Lookup, nowMs: number) => void;

export function createOverdue({ count, endings, hearing, onSilence }: OverdueOptions): LookWhatIsOverdue {
  /** At a lookup's end every upstream that has said nothing, otherwise the one that was asked last. */
  function noteSilence(lookup: Lookup, isTimeout: boolean): void {
    if (lookup.overTcp) return;
    const silent = (isTimeout ? lookup.asked : 1 << lookup.upstream) & ~lookup.heard;
    for (let upstream = 0; upstream < count; upstream++) {
      if ((silent & (1 << upstream)) !== 0) onSilence(upstream, isTimeout);
    }
  }

  return (lookup, nowMs) => {
    if (nowMs >= lookup.deadlineMs) {
      noteSilence(lookup, true);
      endings.giveUp(lookup, nowMs);
    } else if (lookup.held?.isLastResort === false && nowMs >= lookup.heldUntilMs) {
      endings.giveUp(lookup, nowMs);
    } else if (nowMs >= lookup.nextTryMs && lookup.tries < MAX_TRIES) {
      noteSilence(lookup, false);
      hearing.silence(lookup, nowMs);
    }
  };
}
