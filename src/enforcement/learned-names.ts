/** Names, each kept once however many addresses it owns, and found by their text: rows of typed arrays, as V8 would promote a `Map`. */
import { createSlotIndex, hashText, NO_SLOT } from "../dns/slot-index.ts";
import { BLOCK_OCTETS, createTextBlocks } from "./text-blocks.ts";

const MAX_NAME_OCTETS = 255;
const LONGEST = Math.ceil(MAX_NAME_OCTETS / BLOCK_OCTETS);
/** Octets of text for each name, on the average. */
const BLOCKS_PER_NAME = 4;

/** A name's numbers are in one line of the processor's cache. */
const STRIDE = 4;
const [START, LENGTH, HOLDS] = [0, 1, 2];

/** Ids stand for names as long as they are held; {@link NO_SLOT} is none. */
export interface LearnedNames {
  find(name: string): number;
  /** Holds the name once more. Throws RangeError where there is no room for one that is new. */
  hold(name: string): number;
  /** Ends one hold; a name that nothing holds is gone. */
  release(id: number): void;
  text(id: number): string;
  is(id: number, name: string): boolean;
  /** Writes 1 into `marks` at each name that ends in a dot and this base. Some 10 ns a name. */
  markBelow(base: string, marks: Uint8Array): void;
  /** Whether so many new names, as long as can be, have room. */
  hasRoom(count: number): boolean;
}

/** `seed`: 32 bits that nobody outside knows. */
export function createLearnedNames(capacity: number, seed: number): LearnedNames {
  const index = createSlotIndex(capacity);
  const texts = createTextBlocks(capacity * BLOCKS_PER_NAME);
  const rows = new Uint32Array((capacity + 1) * STRIDE);
  let highest = NO_SLOT;

  /** The last two texts and their hashes: a name and its wildcard are asked for several times in a row. */
  let last = "";
  let former = "";
  /** In a typed array, for V8 makes an object of each number past 31 bits that a variable holds. */
  const hashes = new Uint32Array(2).fill(hashText("", seed));
  function hashOf(name: string): number {
    if (name === last) return hashes[0] ?? 0;
    const hash = name === former ? (hashes[1] ?? 0) : hashText(name, seed);
    former = last;
    hashes[1] = hashes[0] ?? 0;
    last = name;
    hashes[0] = hash;
    return hash;
  }

  const is = (id: number, name: string): boolean =>
    rows[id * STRIDE + LENGTH] === name.length &&
    texts.hasWord(rows[id * STRIDE + START] ?? 0, name.length, name);
  function findHashed(hash: number, name: string): number {
    let id = index.first(hash);
    while (id !== NO_SLOT && !is(id, name)) id = index.next(id);
    return id;
  }

  return {
    find: (name) => findHashed(hashOf(name), name),
    hold(name) {
      const hash = hashOf(name);
      let id = findHashed(hash, name);
      if (id === NO_SLOT) {
        id = index.add(hash);
        if (id === NO_SLOT) throw new RangeError("no name is free");
        highest = Math.max(highest, id);
        rows[id * STRIDE + START] = texts.write(name);
        rows[id * STRIDE + LENGTH] = name.length;
        rows[id * STRIDE + HOLDS] = 0;
      }
      rows[id * STRIDE + HOLDS] = (rows[id * STRIDE + HOLDS] ?? 0) + 1;
      return id;
    },
    release(id) {
      rows[id * STRIDE + HOLDS] = (rows[id * STRIDE + HOLDS] ?? 0) - 1;
      if (rows[id * STRIDE + HOLDS] !== 0) return;
      index.remove(id);
      texts.release(rows[id * STRIDE + START] ?? 0);
    },
    text: (id) => texts.read(rows[id * STRIDE + START] ?? 0, rows[id * STRIDE + LENGTH] ?? 0),
    is,
    markBelow(base, marks) {
      const end = `.${base}`;
      for (let id = 1; id <= highest; id++) {
        const dot = (rows[id * STRIDE + LENGTH] ?? 0) - end.length;
        if (
          dot > 0 &&
          rows[id * STRIDE + HOLDS] !== 0 &&
          texts.hasAt(rows[id * STRIDE + START] ?? 0, dot, end)
        )
          marks[id] = 1;
      }
    },
    hasRoom: (count) => index.size + count <= capacity && texts.free >= count * LONGEST,
  };
}
