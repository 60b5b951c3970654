/**
 * What each upstream has shown about drawn letter case and EDNS, so that hardening never costs the answer.
 *
 * Some servers answer a question in mixed case with NXDOMAIN, an error, nothing at all, or in lower case;
 * some do not take EDNS. RFC 4343 and RFC 6891 make them wrong, and plain clients get along with them. The
 * rules:
 *
 * - An upstream *proves* that it keeps the case by an exact answer with data to a question that had an
 *   upper-case letter, and that it takes EDNS by data to a question with EDNS. A proof holds for ten minutes
 *   from the last such answer.
 * - A "no" to mixed case is believed from an upstream that has proved it. From any other a "no" or an error
 *   is asked for once more in lower case: an ordinary upstream is asked twice until its first answer with
 *   data, and not again. If all upstreams end in errors, the first is asked once in lower case in any case.
 * - If the plain question helps where the other did not, an upstream without proof is asked plainly for five
 *   minutes. Then one lookup tries again, and so on each five minutes.
 *
 * What a forger gains: nothing beyond the one try that is plain, where port and id are still drawn anew. It
 * cannot have an upstream with a proof asked plainly: answers in lower case count against such a one only
 * over TCP, where none can be forged, and errors and silence do not count at all. The owner of an allowed
 * name, whose servers may refuse mixed case, moves an upstream only before any other name has been answered.
 */

/** How a question is asked, as bits. */
export const Style = { hardened: 0, lowerCase: 1, withoutEdns: 2 } as const;

const PROOF_MS = 600_000;
/** A proof is renewed no more often than this, since to look for upper case costs. */
const RENEWAL_MS = 60_000;
const RETRY_MS = 300_000;

export interface UpstreamHabits {
  /** How to ask the upstream now. If it is time to try again, one call gets the hardened style. */
  style(upstream: number, nowMs: number): number;
  /** Whether its "no" to mixed case is believed, and its silence and errors are not for want of EDNS. */
  provesCase(upstream: number, nowMs: number): boolean;
  provesEdns(upstream: number, nowMs: number): boolean;
  /** Whether an exact answer would be worth looking at as a proof. */
  wantsProof(upstream: number, nowMs: number): boolean;
  /** It has given data to a question of that style. */
  proved(upstream: number, style: number, nowMs: number): void;
  /** A question of that style has helped after a hardened one did not. */
  helped(upstream: number, style: number, nowMs: number): void;
  /** It has answered in lower case over TCP, which nobody can forge. */
  foldsCase(upstream: number, nowMs: number): void;
}

export function createUpstreamHabits(count: number): UpstreamHabits {
  const kinds = [createHabit(count), createHabit(count)] as const;
  const [letterCase, edns] = kinds;
  return {
    style(upstream, nowMs) {
      return (
        (letterCase.isPlain(upstream, nowMs) ? Style.lowerCase : 0) |
        (edns.isPlain(upstream, nowMs) ? Style.withoutEdns : 0)
      );
    },
    provesCase: letterCase.isProved,
    provesEdns: edns.isProved,
    wantsProof: (upstream, nowMs) =>
      letterCase.isProofOld(upstream, nowMs) || edns.isProofOld(upstream, nowMs),
    proved(upstream, style, nowMs) {
      if ((style & Style.lowerCase) === 0) letterCase.prove(upstream, nowMs);
      if ((style & Style.withoutEdns) === 0) edns.prove(upstream, nowMs);
    },
    helped(upstream, style, nowMs) {
      if ((style & Style.lowerCase) !== 0) letterCase.learn(upstream, nowMs);
      if ((style & Style.withoutEdns) !== 0) edns.learn(upstream, nowMs);
    },
    foldsCase: letterCase.force,
  };
}

interface Habit {
  isPlain(upstream: number, nowMs: number): boolean;
  isProved(upstream: number, nowMs: number): boolean;
  isProofOld(upstream: number, nowMs: number): boolean;
  prove(upstream: number, nowMs: number): void;
  learn(upstream: number, nowMs: number): void;
  force(upstream: number, nowMs: number): void;
}

function createHabit(count: number): Habit {
  const provedMs = new Float64Array(count).fill(-Infinity);
  /** 0 for one that is asked in the hardened style as a rule. */
  const plainUntilMs = new Float64Array(count);
  const since = (upstream: number, nowMs: number): number => nowMs - (provedMs[upstream] ?? 0);
  const isProved = (upstream: number, nowMs: number): boolean => since(upstream, nowMs) < PROOF_MS;
  function force(upstream: number, nowMs: number): void {
    if (nowMs >= (plainUntilMs[upstream] ?? 0)) plainUntilMs[upstream] = nowMs + RETRY_MS;
    provedMs[upstream] = -Infinity;
  }
  return {
    isPlain(upstream, nowMs) {
      const until = plainUntilMs[upstream] ?? 0;
      if (until === 0) return false;
      if (nowMs < until) return true;
      plainUntilMs[upstream] = nowMs + RETRY_MS;
      return false;
    },
    isProved,
    isProofOld: (upstream, nowMs) => since(upstream, nowMs) >= RENEWAL_MS,
    prove(upstream, nowMs) {
      provedMs[upstream] = nowMs;
      plainUntilMs[upstream] = 0;
    },
    learn(upstream, nowMs) {
      if (!isProved(upstream, nowMs)) force(upstream, nowMs);
    },
    force,
  };
}
