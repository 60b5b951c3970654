/**
 * Readers that follow the decisions as server-sent events (WHATWG HTML, section 9.2). Each has a place in the
 * ring and is given what follows, some at a time; one that does not take it falls behind alone. A gap stands
 * for what the ring no longer holds.
 *
 *     id: k3v9-17
 *     event: decision
 *     data: {"id":"k3v9-17","time":...}
 *
 *     event: gap
 *     data: {"missed":1200}
 */
import type { DecisionFilter } from "./decision-filter.ts";
import type { DecisionRing } from "./decision-ring.ts";
import { presentDecision, type PresentOptions, renderId } from "./present-decision.ts";

/** Where one reader's events go. */
export interface ReaderOutput {
  write(chunk: string): void;
  /** What was written waits for the reader: no more is written before it is taken. */
  isFull(): boolean;
  /** Ends the reader at once, whatever it has taken. */
  drop(): void;
}

export interface ReaderOptions {
  readonly filter: DecisionFilter;
  /** Readers of one key share a bound, and never another's. */
  readonly door: string;
  /** The number of the last decision that it has seen. */
  readonly after: number;
  readonly output: ReaderOutput;
}

export interface Readers {
  /** Past the bound of its door the reader that came first goes. Returns what takes this one out. */
  add(reader: ReaderOptions, nowMs: number): () => void;
  /** Gives each reader what there is for it; to be called every {@link FLUSH_MS} while there are readers. */
  flush(nowMs: number): void;
  size(): number;
}

export const FLUSH_MS = 50;
/** Of one door: several pages and programs, of the 128 connections that it takes. */
export const MOST_READERS = 64;
/** For a reader in one flush: some 2,500 a second. */
const MOST_AT_ONCE = 128;
/**
 * What is rendered for a reader ends with the decision that passes this: names and rules may be long, and
 * readers many.
 */
const MOST_CHARACTERS = 64 << 10;
/**
 * What one flush may cost, counted in decisions that are rendered, some 3 us each: readers who ask alike
 * share them. Looked at and passed over costs a thirty-second. Past that the next flush goes on with the
 * readers who are left, so that they can't take the processor from lookups.
 */
const FLUSH_WORK = 1024;
const LOOK_WORK = 1 / 32;
/** A reader that has taken nothing for so long is gone, or as good as that. */
const STALLED_MS = 10_000;
const HEARTBEAT_MS = 15_000;

interface Reader extends ReaderOptions {
  readonly key: string;
  seen: number;
  fullSinceMs: number | undefined;
  toldMs: number;
}

export function createReaders(ring: DecisionRing, options: PresentOptions): Readers {
  /** In the order in which they came. */
  const readers = new Set<Reader>();
  /** Whose turn it is first in the next flush. */
  let next: Reader | undefined;

  /** Readers at one place with one filter share a chunk. Returns what it has cost. */
  function flushOne(reader: Reader, chunks: Map<string, Chunk>, nowMs: number): number {
    if (reader.output.isFull()) {
      reader.fullSinceMs ??= nowMs;
      if (nowMs - reader.fullSinceMs >= STALLED_MS) drop(reader);
      return 0;
    }
    reader.fullSinceMs = undefined;
    let work = 0;
    if (reader.seen < ring.newest()) {
      const key = `${reader.seen} ${reader.key}`;
      const shared = chunks.get(key);
      const chunk = shared ?? renderChunk(ring, reader, options);
      if (shared === undefined) work = chunk.work;
      chunks.set(key, chunk);
      reader.seen = chunk.seen;
      if (chunk.text !== "") tell(reader, chunk.text, nowMs);
    }
    if (nowMs - reader.toldMs >= HEARTBEAT_MS) tell(reader, ": alive\n\n", nowMs);
    return work;
  }
  function tell(reader: Reader, text: string, nowMs: number): void {
    reader.output.write(text);
    reader.toldMs = nowMs;
  }
  function drop(reader: Reader): void {
    if (readers.delete(reader)) reader.output.drop();
  }
  function makeRoom(door: string): void {
    const sameDoor = [...readers].filter((reader) => reader.door === door);
    const [first] = sameDoor;
    if (sameDoor.length >= MOST_READERS && first !== undefined) drop(first);
  }

  return {
    add(given, nowMs) {
      makeRoom(given.door);
      const key = JSON.stringify(given.filter);
      const reader: Reader = { ...given, key, seen: given.after, fullSinceMs: undefined, toldMs: nowMs };
      readers.add(reader);
      return () => void readers.delete(reader);
    },
    flush(nowMs) {
      const chunks = new Map<string, Chunk>();
      let left = FLUSH_WORK;
      const all = inTurn([...readers], next);
      next = undefined;
      for (const reader of all) {
        if (left <= 0) {
          next = reader;
          return;
        }
        left -= flushOne(reader, chunks, nowMs);
      }
    },
    size: () => readers.size,
  };
}

/** The first is the one that was left over. */
function inTurn(all: readonly Reader[], next: Reader | undefined): readonly Reader[] {
  const at = next === undefined ? -1 : all.indexOf(next);
  return at < 0 ? all : [...all.slice(at), ...all.slice(0, at)];
}

interface Chunk {
  readonly text: string;
  /** The last decision that was looked at. */
  readonly seen: number;
  readonly work: number;
}

function renderChunk(
  ring: DecisionRing,
  { seen, filter }: Pick<Reader, "seen" | "filter">,
  options: PresentOptions,
): Chunk {
  const texts: string[] = [];
  const missed = ring.oldest() - seen - 1;
  if (missed > 0) texts.push(renderGap({ missed }));
  const first = Math.max(seen + 1, ring.oldest());
  let number = first;
  let characters = 0;
  let rendered = 0;
  for (; number <= ring.newest() && rendered < MOST_AT_ONCE && characters < MOST_CHARACTERS; number += 1) {
    if (!ring.matches(number, filter)) continue;
    const data = JSON.stringify(presentDecision(ring.read(number), options));
    const text = `id: ${renderId(options.run, number)}\nevent: decision\ndata: ${data}\n\n`;
    texts.push(text);
    characters += text.length;
    rendered += 1;
  }
  return { text: texts.join(""), seen: number - 1, work: rendered + (number - first) * LOOK_WORK };
}

/**
 * `missed`: decisions that nobody can tell the reader any more, whether it wanted them or not; unknown after
 * a restart.
 */
export function renderGap(gap: { readonly missed: number } | { readonly restarted: true }): string {
  return `event: gap\ndata: ${JSON.stringify(gap)}\n\n`;
}
