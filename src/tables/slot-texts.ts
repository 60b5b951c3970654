/**
 * A text for each slot of a table, in one piece of memory: an octet with its length, then the text. A slot
 * has a block of its own with room for a short text. A longer one continues in further blocks, so nothing has
 * to be moved or collected.
 */
import { hashOctets } from "./slot-index.ts";

export const BLOCK_OCTETS = 12;
const MAX_OCTETS = 255;
/** Blocks are counted from 1. */
const NO_BLOCK = 0;

export interface SlotTexts {
  /** Blocks that hold nothing. See {@link blocksFor}. */
  free(): number;
  /**
   * Keeps `text` from `from` up to `end`: 1 to 255 characters below 256. Throws RangeError when there is no
   * room.
   */
  write(slot: number, text: string, from: number, end: number): void;
  /** 0: the slot has none. */
  length(slot: number): number;
  read(slot: number): string;
  /** Whether it is `text` from `from` up to `end`. */
  is(slot: number, text: string, from: number, end: number): boolean;
  endsWith(slot: number, ending: string): boolean;
  /** What `hashText` says of the text. */
  hash(slot: number, seed: number): number;
  release(slot: number): void;
}

/** Further blocks that a text of this length takes. */
export function blocksFor(length: number): number {
  return Math.floor(length / BLOCK_OCTETS);
}

/** Slots count from 1. */
export function createSlotTexts(slots: number, furtherBlocks: number): SlotTexts {
  /** The first ones are the slots' own. */
  const blocks = slots + furtherBlocks + 1;
  const octets = new Uint8Array(blocks * BLOCK_OCTETS);
  const nexts = new Uint32Array(blocks);
  const copied = Buffer.alloc(MAX_OCTETS);
  let used = slots;
  let freed = NO_BLOCK;
  let free = furtherBlocks;

  function take(): number {
    free -= 1;
    if (freed === NO_BLOCK) return ++used;
    const block = freed;
    freed = nexts[block] ?? NO_BLOCK;
    return block;
  }
  const length = (slot: number): number => octets[slot * BLOCK_OCTETS] ?? 0;
  /** Whether characters from `from` up to `end` stand in the slot's text, so many behind its first one. */
  function standsAt(slot: number, behind: number, text: string, from: number, end: number): boolean {
    let block = slot;
    let place = behind + 1;
    for (; place >= BLOCK_OCTETS; place -= BLOCK_OCTETS) block = nexts[block] ?? NO_BLOCK;
    let at = block * BLOCK_OCTETS + place;
    let blockEnd = at - place + BLOCK_OCTETS;
    for (let i = from; i < end; i++, at++) {
      if (at === blockEnd) {
        block = nexts[block] ?? NO_BLOCK;
        at = block * BLOCK_OCTETS;
        blockEnd = at + BLOCK_OCTETS;
      }
      if (octets[at] !== text.charCodeAt(i)) return false;
    }
    return true;
  }
  /** Into `copied`. */
  function copy(slot: number): number {
    const count = length(slot);
    let block = slot;
    for (let i = 0, at = slot * BLOCK_OCTETS + 1; i < count; i++, at++) {
      if (at === (block + 1) * BLOCK_OCTETS) {
        block = nexts[block] ?? NO_BLOCK;
        at = block * BLOCK_OCTETS;
      }
      copied[i] = octets[at] ?? 0;
    }
    return count;
  }

  return {
    free() {
      return free;
    },
    write(slot, text, from, end) {
      if (blocksFor(end - from) > free) throw new RangeError("no block is free");
      octets[slot * BLOCK_OCTETS] = end - from;
      let block = slot;
      for (let i = from, place = 1; i < end; i++, place++) {
        if (place === BLOCK_OCTETS) {
          const next = take();
          nexts[block] = next;
          nexts[next] = NO_BLOCK;
          block = next;
          place = 0;
        }
        octets[block * BLOCK_OCTETS + place] = text.charCodeAt(i);
      }
    },
    length,
    read: (slot) => copied.toString("latin1", 0, copy(slot)),
    is: (slot, text, from, end) => length(slot) === end - from && standsAt(slot, 0, text, from, end),
    endsWith(slot, ending) {
      const at = length(slot) - ending.length;
      return at >= 0 && standsAt(slot, at, ending, 0, ending.length);
    },
    hash: (slot, seed) => hashOctets(copied, 0, copy(slot), seed),
    release(slot) {
      let block = nexts[slot] ?? NO_BLOCK;
      octets[slot * BLOCK_OCTETS] = 0;
      if (block !== NO_BLOCK) nexts[slot] = NO_BLOCK;
      while (block !== NO_BLOCK) {
        const next = nexts[block] ?? NO_BLOCK;
        nexts[block] = freed;
        freed = block;
        free += 1;
        block = next;
      }
    },
  };
}
