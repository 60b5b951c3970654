/**
 * Names, each kept once however many addresses it owns, and found by their text. A name is its first label,
 * and a number for what is behind it: names below one wildcard share that. A name of up to 11 octets in its
 * first label takes 28, and where only one address holds it, no more.
 */
import { MAX_NAME_OCTETS } from "../dns/wire/constants.ts";
import { hashText, NO_SLOT } from "../tables/slot-index.ts";
import type { Steps } from "../policy/steps.ts";
import { createSlotChains } from "../tables/slot-chains.ts";
import { blocksFor, createSlotTexts } from "../tables/slot-texts.ts";

/** What a name takes at most: itself and what is behind its first label. */
const TEXTS_PER_NAME = 2;
const BLOCKS_PER_NAME = blocksFor(MAX_NAME_OCTETS);

const [IS_BELOW, HOLDS_BELOW] = [1, 2];
/** Names that are looked at in a step. */
const STEP = 4096;

/** Ids stand for names as long as they are held; {@link NO_SLOT} is none. */
export interface LearnedNames {
  /** Ids are not above it. */
  readonly capacity: number;
  /** No id above this one was ever given. */
  highest(): number;
  find(name: string): number;
  /** Holds the name once more. Throws RangeError if there is no room for one that is new. */
  hold(name: string): number;
  /** Ends one hold; a name that nothing holds is gone. */
  release(id: number): void;
  text(id: number): string;
  /**
   * Writes into `marks` an odd number at each name below one of the bases that is there all the time. Some
   * nanoseconds a name.
   */
  markBelow(bases: readonly string[], marks: Uint8Array): Steps<void>;
  /** Whether so many new names, as long as can be, have room. */
  hasRoom(count: number): boolean;
}

export interface LearnedNamesOptions {
  readonly capacity: number;
  /** Of 12 octets, for what is longer. */
  readonly blocks: number;
  /** 32 bits that nobody outside knows. */
  readonly seed: number;
}

export function createLearnedNames({ capacity, blocks, seed }: LearnedNamesOptions): LearnedNames {
  const texts = createSlotTexts(capacity, blocks);
  /** Of the name behind the first label; NO_SLOT: the text is whole. */
  const stems = new Uint32Array(capacity + 1);
  /** Beyond the first one. */
  const holds = new Uint32Array(capacity + 1);
  const seedOf = (stem: number): number => seed ^ Math.imul(stem, 0x9e37_79b1);
  const chains = createSlotChains(capacity, (id) => texts.hash(id, seedOf(stems[id] ?? 0)));
  /**
   * The last one that was asked for, and what is behind its first label: a name is asked for several times in
   * a row.
   */
  let lastName = "";
  let lastId = NO_SLOT;
  let lastStem = NO_SLOT;

  function isText(id: number, stem: number, text: string, from: number, end: number): boolean {
    return stems[id] === stem && texts.is(id, text, from, end);
  }
  function findText(stem: number, text: string, from: number, end: number): number {
    let id = chains.first(hashText(text, seedOf(stem), from, end));
    while (id !== NO_SLOT && !isText(id, stem, text, from, end)) id = chains.next(id);
    return id;
  }
  function addText(stem: number, text: string, from: number, end: number): number {
    const id = chains.add(hashText(text, seedOf(stem), from, end));
    if (id === NO_SLOT) throw new RangeError("no name is free");
    stems[id] = stem;
    texts.write(id, text, from, end);
    return id;
  }
  function find(name: string): number {
    if (name === lastName) return lastId;
    lastName = name;
    const dot = name.indexOf(".");
    lastStem = dot < 0 ? NO_SLOT : findText(NO_SLOT, name, dot + 1, name.length);
    const isNew = dot >= 0 && lastStem === NO_SLOT;
    lastId = isNew ? NO_SLOT : findText(lastStem, name, 0, dot < 0 ? name.length : dot);
    return lastId;
  }
  function holdAgain(id: number): number {
    holds[id] = (holds[id] ?? 0) + 1;
    return id;
  }
  /** One that `find` has just not found. */
  function addLast(): number {
    const name = lastName;
    const dot = name.indexOf(".");
    if (dot < 0) return addText(NO_SLOT, name, 0, name.length);
    lastStem = lastStem === NO_SLOT ? addText(NO_SLOT, name, dot + 1, name.length) : holdAgain(lastStem);
    return addText(lastStem, name, 0, dot);
  }
  function release(id: number): void {
    const further = holds[id] ?? 0;
    if (further > 0) {
      holds[id] = further - 1;
      return;
    }
    const stem = stems[id] ?? NO_SLOT;
    chains.remove(id);
    texts.release(id);
    stems[id] = NO_SLOT;
    if (id === lastId) lastId = NO_SLOT;
    if (id === lastStem) lastStem = NO_SLOT;
    if (stem !== NO_SLOT) release(stem);
  }

  return {
    capacity,
    highest: chains.highest,
    find,
    hold(name) {
      const known = find(name);
      if (known !== NO_SLOT) return holdAgain(known);
      lastId = addLast();
      return lastId;
    },
    release,
    text(id) {
      const stem = stems[id] ?? NO_SLOT;
      return stem === NO_SLOT ? texts.read(id) : `${texts.read(id)}.${texts.read(stem)}`;
    },
    *markBelow(bases, marks) {
      const ends = bases.map((base) => `.${base}`);
      const holdsBelow = (id: number): boolean =>
        bases.some((base) => texts.is(id, base, 0, base.length)) ||
        ends.some((end) => texts.endsWith(id, end));
      for (let id = 1; id <= chains.highest(); id++) {
        if (id % STEP === 0) yield;
        const isStem = stems[id] === NO_SLOT && texts.length(id) > 0;
        if (isStem && holdsBelow(id)) marks[id] = (marks[id] ?? 0) | HOLDS_BELOW;
      }
      for (let id = 1; id <= chains.highest(); id++) {
        if (id % STEP === 0) yield;
        const stem = stems[id] ?? NO_SLOT;
        if (stem !== NO_SLOT && ((marks[stem] ?? 0) & HOLDS_BELOW) !== 0)
          marks[id] = (marks[id] ?? 0) | IS_BELOW;
      }
    },
    hasRoom: (count) =>
      chains.size() + count * TEXTS_PER_NAME <= capacity && texts.free() >= count * BLOCKS_PER_NAME,
  };
}
