/** Texts of many lengths in one piece of memory: chains of blocks of {@link BLOCK_OCTETS}, so that nothing has to be moved or collected. */

/** No text. Blocks are counted from 1. */
const NO_BLOCK = 0;
export const BLOCK_OCTETS = 32;

export interface TextBlocks {
  /** Blocks that hold nothing. A text takes one for each {@link BLOCK_OCTETS} begun. */
  readonly free: number;
  /** Keeps a text of characters below 256, and returns its first block. Throws RangeError when there is no room. */
  write(text: string): number;
  /** The text of `length` characters that starts there. */
  read(first: number, length: number): string;
  /** Whether a text of words parted by blanks, `length` characters that start there, has this word. */
  hasWord(first: number, length: number, word: string): boolean;
  /** Whether these characters stand `at` so many behind the start of a text that is long enough. */
  hasAt(first: number, at: number, characters: string): boolean;
  release(first: number): void;
}

const BLANK = 0x20;

export function createTextBlocks(capacity: number): TextBlocks {
  const octets = Buffer.from(new ArrayBuffer((capacity + 1) * BLOCK_OCTETS));
  const nexts = new Uint32Array(capacity + 1);
  let used = 0;
  let freed = NO_BLOCK;
  let free = capacity;

  function take(): number {
    if (free === 0) throw new RangeError("no block is free");
    free -= 1;
    if (freed === NO_BLOCK) return ++used;
    const block = freed;
    freed = nexts[block] ?? NO_BLOCK;
    return block;
  }

  return {
    get free() {
      return free;
    },
    write(text) {
      let first = NO_BLOCK;
      let last = NO_BLOCK;
      for (let at = 0; at < text.length; at += BLOCK_OCTETS) {
        const block = take();
        nexts[block] = NO_BLOCK;
        if (last === NO_BLOCK) first = block;
        else nexts[last] = block;
        last = block;
        const start = block * BLOCK_OCTETS - at;
        const end = Math.min(at + BLOCK_OCTETS, text.length);
        for (let i = at; i < end; i++) octets[start + i] = text.charCodeAt(i);
      }
      return first;
    },
    read(first, length) {
      let text = "";
      let block = first;
      for (let left = length; left > 0; left -= BLOCK_OCTETS) {
        const start = block * BLOCK_OCTETS;
        text += octets.toString("latin1", start, start + Math.min(left, BLOCK_OCTETS));
        block = nexts[block] ?? NO_BLOCK;
      }
      return text;
    },
    hasWord(first, length, word) {
      let block = first;
      let matched = 0;
      for (let i = 0; i < length; i++) {
        if (i > 0 && i % BLOCK_OCTETS === 0) block = nexts[block] ?? NO_BLOCK;
        const octet = octets[block * BLOCK_OCTETS + (i % BLOCK_OCTETS)] ?? 0;
        if (octet === BLANK) {
          if (matched === word.length) return true;
          matched = 0;
        } else {
          matched = matched >= 0 && octet === word.charCodeAt(matched) ? matched + 1 : -1;
        }
      }
      return matched === word.length;
    },
    hasAt(first, at, characters) {
      let block = first;
      for (let passed = BLOCK_OCTETS; passed <= at; passed += BLOCK_OCTETS) block = nexts[block] ?? NO_BLOCK;
      let offset = at % BLOCK_OCTETS;
      for (let i = 0; i < characters.length; i++, offset++) {
        if (offset === BLOCK_OCTETS) {
          block = nexts[block] ?? NO_BLOCK;
          offset = 0;
        }
        if (octets[block * BLOCK_OCTETS + offset] !== characters.charCodeAt(i)) return false;
      }
      return true;
    },
    release(first) {
      for (let block = first; block !== NO_BLOCK;) {
        const next = nexts[block] ?? NO_BLOCK;
        nexts[block] = freed;
        freed = block;
        free += 1;
        block = next;
      }
    },
  };
}
