import { addressOf } from "./libc.ts";

/**
 * Octets that both we and the kernel see. V8 never moves them, so offsets in here can be handed to system
 * calls. Pages cost memory only once they are touched.
 */
export interface Arena {
  readonly octets: Buffer;
  readonly words: Uint32Array;
  /** Address of the octet at `offset`. */
  address(offset: number): number;
  /**
   * Writes the 64-bit pointer to the octet at `target` into the eight octets at `offset` (a multiple of 4).
   */
  writePointer(offset: number, target: number): void;
}

const WORD = 0x1_0000_0000;

export function createArena(size: number): Arena {
  const memory = new ArrayBuffer(Math.ceil(size / 8) * 8);
  const octets = Buffer.from(memory);
  const words = new Uint32Array(memory);
  const base = addressOf(octets);
  return {
    octets,
    words,
    address: (offset) => base + offset,
    writePointer(offset, target) {
      const pointer = base + target;
      words[offset >> 2] = pointer % WORD;
      words[(offset >> 2) + 1] = Math.floor(pointer / WORD);
    },
  };
}
