/** The name of a decision for each slot: the first octets in a row of their own, which is enough for most, what is longer in further blocks. */
import { blocksFor, createSlotTexts } from "../tables/slot-texts.ts";
import type { DecisionFilter } from "./decision-filter.ts";

export interface NameRows {
  /** Keeps the first 255 characters, in place of what the slot has. */
  write(slot: number, name: string | undefined): void;
  read(slot: number): string | undefined;
  matches(slot: number, name: NonNullable<DecisionFilter["name"]>): boolean;
}

const ROW_OCTETS = 64;
const MOST_OCTETS = 255;
/** As the length of a name that is not known. */
const UNKNOWN = 0xffff;

export function createNameRows(slots: number): NameRows {
  const rows = Buffer.from(new ArrayBuffer((slots + 1) * ROW_OCTETS));
  const lengths = new Uint16Array(slots + 1).fill(UNKNOWN);
  const rests = createSlotTexts(slots, slots * blocksFor(MOST_OCTETS - ROW_OCTETS));
  const lengthOf = (slot: number): number => lengths[slot] ?? UNKNOWN;

  function read(slot: number): string | undefined {
    const length = lengthOf(slot);
    if (length === UNKNOWN) return undefined;
    const at = slot * ROW_OCTETS;
    const first = rows.toString("latin1", at, at + Math.min(length, ROW_OCTETS));
    return length <= ROW_OCTETS ? first : first + rests.read(slot);
  }

  return {
    write(slot, name) {
      if (rests.length(slot) > 0) rests.release(slot);
      lengths[slot] = name === undefined ? UNKNOWN : Math.min(name.length, MOST_OCTETS);
      if (name === undefined) return;
      rows.write(name, slot * ROW_OCTETS, ROW_OCTETS, "latin1");
      if (name.length > ROW_OCTETS) rests.write(slot, name, ROW_OCTETS, Math.min(name.length, MOST_OCTETS));
    },
    read,
    matches(slot, wanted) {
      const length = lengthOf(slot);
      const least = "exact" in wanted ? wanted.exact.length : wanted.base.length + 2;
      // Most are told apart without a text.
      if (length === UNKNOWN || length < least) return false;
      const name = read(slot) ?? "";
      return "exact" in wanted ? name === wanted.exact : name.endsWith(`.${wanted.base}`);
    },
  };
}
