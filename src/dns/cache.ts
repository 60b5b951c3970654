/** Answers, kept for their TTL. Bounded by entries and octets; the oldest go first. Deciding is not its business: ask the policy first. */
import { copyAnswer, type PreparedAnswer } from "./prepared-answer.ts";

export interface CachedAnswer {
  readonly answer: PreparedAnswer;
  readonly storedAtMs: number;
}

export interface AnswerCache {
  /** The entry, as long as it has at least a second to live. */
  find(key: string, nowMs: number): CachedAnswer | undefined;
  /** Keeps a copy; answers without a TTL are not kept. */
  store(key: string, answer: PreparedAnswer, nowMs: number): void;
  clear(): void;
  readonly size: number;
}

/** What an entry costs beside its octets, roughly. */
const ENTRY_OCTETS = 400;

export function createAnswerCache(maxEntries = 8192, maxOctets = 4 << 20): AnswerCache {
  const entries = new Map<string, CachedAnswer>();
  let octets = 0;

  function remove(key: string, entry: CachedAnswer): void {
    entries.delete(key);
    octets -= entry.answer.octets.length + ENTRY_OCTETS;
  }
  return {
    find(key, nowMs) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      if (nowMs - entry.storedAtMs < (entry.answer.ttlSeconds - 1) * 1000) return entry;
      remove(key, entry);
      return undefined;
    },
    store(key, answer, nowMs) {
      if (answer.ttlSeconds < 2) return;
      const former = entries.get(key);
      if (former) remove(key, former);
      const entry = { answer: copyAnswer(answer), storedAtMs: nowMs };
      entries.set(key, entry);
      octets += entry.answer.octets.length + ENTRY_OCTETS;
      for (const [oldKey, oldEntry] of entries) {
        if (entries.size <= maxEntries && octets <= maxOctets) break;
        remove(oldKey, oldEntry);
      }
    },
    clear() {
      entries.clear();
      octets = 0;
    },
    get size() {
      return entries.size;
    },
  };
}
