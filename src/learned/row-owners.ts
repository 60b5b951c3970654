import { NO_SLOT } from "../tables/slot-index.ts";
import { createFurtherOwners } from "./further-owners.ts";
import type { LearnedNames } from "./names.ts";
import { createRowLists } from "../tables/row-lists.ts";

/**
 * Which names own a row. The first one is whom it counts for, and stays; of the others the latest are kept.
 */
export interface RowOwners {
  /**
   * Makes the name the latest owner. Past the most that a row may have, the oldest but one goes. Only while
   * `hasRoom`.
   */
  add(row: number, name: string): void;
  /** The row is no more. */
  removeAll(row: number): void;
  has(row: number): boolean;
  is(row: number, name: string): boolean;
  /** Whether one passes, asked by its id among the names. The latest first. */
  some(row: number, passes: (id: number) => boolean): boolean;
  /** Whether the mark of one is odd. */
  isMarked(row: number, marks: Uint8Array): boolean;
  /** The latest first. */
  list(row: number): readonly string[];
  /** Puts the row last among those that count for the same name. */
  use(row: number): void;
  /** Rows that count for a name, and the one used longest ago. */
  sizeOf(name: string): number;
  oldestOf(name: string): number;
  /** For one more row with all its names, and the one of its wildcard. */
  hasRoom(): boolean;
}

export interface RowOwnersOptions {
  readonly names: LearnedNames;
  readonly rows: number;
  readonly maxOwners: number;
}

/** Places for owners beyond the first, on the average. */
const FURTHER_PER_ROW = 2;

export function createRowOwners({ names, rows, maxOwners }: RowOwnersOptions): RowOwners {
  const first = new Uint32Array(rows + 1);
  const further = createFurtherOwners(rows, rows * FURTHER_PER_ROW);
  const byName = createRowLists(rows, names.capacity);

  const firstOf = (row: number): number => first[row] ?? NO_SLOT;
  function some(row: number, passes: (id: number) => boolean): boolean {
    for (let entry = further.first(row); entry !== 0; entry = further.next(entry))
      if (passes(further.name(entry))) return true;
    return firstOf(row) !== NO_SLOT && passes(firstOf(row));
  }
  function drop(row: number, entry: number): void {
    names.release(further.name(entry));
    further.remove(row, entry);
  }
  function addFurther(row: number, name: string): void {
    const known = names.find(name);
    let count = 1;
    let goes = 0;
    for (let entry = further.first(row); entry !== 0; entry = further.next(entry)) {
      if (further.name(entry) === known) {
        if (count === 1) return;
        goes = entry;
        break;
      }
      count += 1;
      if (count === maxOwners) goes = entry;
    }
    const id = names.hold(name);
    if (goes !== 0) drop(row, goes);
    further.add(row, id);
  }

  return {
    add(row, name) {
      if (firstOf(row) === NO_SLOT) {
        const id = names.hold(name);
        first[row] = id;
        byName.add(row, id);
      } else if (firstOf(row) !== names.find(name)) {
        addFurther(row, name);
      }
    },
    removeAll(row) {
      for (let entry = further.first(row); entry !== 0; entry = further.first(row)) drop(row, entry);
      const id = firstOf(row);
      if (id === NO_SLOT) return;
      byName.remove(row, id);
      names.release(id);
      first[row] = NO_SLOT;
    },
    has: (row) => firstOf(row) !== NO_SLOT,
    is(row, name) {
      const id = names.find(name);
      if (id === NO_SLOT || firstOf(row) === id) return id !== NO_SLOT;
      let entry = further.first(row);
      while (entry !== 0 && further.name(entry) !== id) entry = further.next(entry);
      return entry !== 0;
    },
    some,
    isMarked(row, marks) {
      for (let entry = further.first(row); entry !== 0; entry = further.next(entry))
        if (((marks[further.name(entry)] ?? 0) & 1) === 1) return true;
      return ((marks[firstOf(row)] ?? 0) & 1) === 1;
    },
    list(row) {
      const found: string[] = [];
      some(row, (id) => {
        found.push(names.text(id));
        return false;
      });
      return found;
    },
    use(row) {
      if (firstOf(row) !== NO_SLOT) byName.touch(row, firstOf(row));
    },
    sizeOf: (name) => byName.size(names.find(name)),
    oldestOf: (name) => byName.oldest(names.find(name)),
    hasRoom() {
      return names.hasRoom(maxOwners + 1) && further.free() >= maxOwners;
    },
  };
}
