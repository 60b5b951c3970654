import type { Decision } from "./decision.ts";
import { type IntervalMap, wordAt } from "./intervals.ts";
import type { Prefix } from "./prefix.ts";

/** A prefix and what is decided for it. In a list the earlier one wins. */
export interface RuledPrefix {
  readonly prefix: Prefix;
  readonly decision: Decision;
}

/**
 * Cuts overlapping prefixes of one family into disjoint intervals: each address gets the decision of the first prefix in list order
 * that holds it, else the fallback. O(n log n); at most 2n + 1 intervals.
 *
 * Two prefixes are apart or one is inside the other. So, sorted by first address and then by length, a stack of those still open
 * is all that holds the present address, and each entry carries the lowest rank from itself down.
 */
export function buildIntervals(words: 1 | 4, ruled: readonly RuledPrefix[], fallback: Decision): IntervalMap {
  const bounds = prefixBounds(words, ruled);
  const cuts = new Cuts(words, ruled.length);
  const open: OpenPrefix[] = [];
  const close = (): void => {
    const closed = open.pop();
    if (closed !== undefined) cuts.addAfter(bounds.last, closed.at, open.at(-1)?.lowestRank ?? ruled.length);
  };
  cuts.add(new Uint32Array(words), 0, ruled.length);
  for (const rank of bounds.order) {
    const at = rank * words;
    for (let top = open.at(-1); top !== undefined && endsBefore(bounds, top.at, at); top = open.at(-1))
      close();
    const lowestRank = Math.min(rank, open.at(-1)?.lowestRank ?? rank);
    open.push({ at, lowestRank });
    cuts.add(bounds.first, at, lowestRank);
  }
  while (open.length > 0) close();
  const { starts, ranks } = cuts.finish();
  return { words, starts, decisions: Array.from(ranks, (rank) => ruled[rank]?.decision ?? fallback) };
}

/** A prefix that holds the present address: where its words are, and the lowest rank among it and all around it. */
interface OpenPrefix {
  readonly at: number;
  readonly lowestRank: number;
}

/** First and last address of each prefix, `words` words each, and the order to walk them in. */
interface PrefixBounds {
  readonly words: 1 | 4;
  readonly first: Uint32Array;
  readonly last: Uint32Array;
  readonly order: Uint32Array;
}

function prefixBounds(words: 1 | 4, ruled: readonly RuledPrefix[]): PrefixBounds {
  const first = new Uint32Array(words * ruled.length);
  const last = new Uint32Array(words * ruled.length);
  const lengths = new Uint8Array(ruled.length);
  for (const [rank, { prefix }] of ruled.entries()) {
    lengths[rank] = prefix.length;
    for (let word = 0; word < words; word += 1) {
      const value = wordAt(prefix.octets, 4 * word);
      first[rank * words + word] = value;
      last[rank * words + word] = value + hostBits(prefix.length - 32 * word);
    }
  }
  const order = Uint32Array.from(lengths.keys()).sort((a, b) => {
    return (
      compareWords(words, first, a * words, first, b * words) ||
      (lengths[a] ?? 0) - (lengths[b] ?? 0) ||
      a - b
    );
  });
  return { words, first, last, order };
}

/** The bits of one word past the prefix, all ones; `length` is the prefix length from this word on, and may be outside 0 to 32. */
function hostBits(length: number): number {
  return 2 ** (32 - Math.min(32, Math.max(0, length))) - 1;
}

function endsBefore({ words, first, last }: PrefixBounds, open: number, next: number): boolean {
  return compareWords(words, last, open, first, next) < 0;
}

function compareWords(words: number, a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
  for (let word = 0; word < words; word += 1) {
    const difference = (a[atA + word] ?? 0) - (b[atB + word] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Interval starts in ascending order with the rank that holds from there; a later cut at the same address replaces the earlier. */
class Cuts {
  readonly #words: 1 | 4;
  readonly #starts: Uint32Array;
  readonly #ranks: Uint32Array;
  #count = 0;

  constructor(words: 1 | 4, prefixes: number) {
    this.#words = words;
    this.#starts = new Uint32Array(words * (2 * prefixes + 1));
    this.#ranks = new Uint32Array(2 * prefixes + 1);
  }

  add(words: Uint32Array, at: number, rank: number): void {
    const previous = this.#count - 1;
    if (previous >= 0 && compareWords(this.#words, this.#starts, previous * this.#words, words, at) === 0) {
      this.#count = previous;
    }
    if (this.#count > 0 && this.#ranks[this.#count - 1] === rank) return;
    for (let word = 0; word < this.#words; word += 1) {
      this.#starts[this.#count * this.#words + word] = words[at + word] ?? 0;
    }
    this.#ranks[this.#count] = rank;
    this.#count += 1;
  }

  /** A cut just past the address; past the last address of the space there is none. */
  addAfter(words: Uint32Array, at: number, rank: number): void {
    const next = words.slice(at, at + this.#words);
    for (let word = this.#words - 1; word >= 0; word -= 1) {
      const value = (next[word] ?? 0) + 1;
      next[word] = value; // wraps to zero, and carries
      if (value <= 0xffff_ffff) return this.add(next, 0, rank);
    }
  }

  finish(): { starts: Uint32Array; ranks: Uint32Array } {
    return {
      starts: this.#starts.slice(0, this.#count * this.#words),
      ranks: this.#ranks.slice(0, this.#count),
    };
  }
}
