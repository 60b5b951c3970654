/**
 * The name of a decision for each slot, by reference: to copy it into a row costs ten times as much, and what
 * the collector has to move of a young name is little, since it goes with its slot soon where lookups are
 * many.
 */
import type { DecisionFilter } from "./decision-filter.ts";

export interface NameRows {
  /** Keeps the first 255 characters, in place of what the slot has. */
  write(slot: number, name: string | undefined): void;
  read(slot: number): string | undefined;
  matches(slot: number, name: NonNullable<DecisionFilter["name"]>): boolean;
}

const MOST_CHARACTERS = 255;

export function createNameRows(slots: number): NameRows {
  const names = Array<string | undefined>(slots + 1).fill(undefined);
  return {
    write(slot, name) {
      names[slot] = name === undefined || name.length <= MOST_CHARACTERS ? name : beginningOf(name);
    },
    read: (slot) => names[slot],
    matches(slot, wanted) {
      const name = names[slot];
      if (name === undefined) return false;
      return "exact" in wanted ? name === wanted.exact : name.endsWith(`.${wanted.base}`);
    },
  };
}

/** In memory of its own: what V8 cuts off a text keeps the whole of it alive. */
function beginningOf(name: string): string {
  return Buffer.from(name.slice(0, MOST_CHARACTERS), "latin1").toString("latin1");
}
