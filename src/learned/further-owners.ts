/**
 * The owners of rows that have more than one: chains of names in one pool, the latest first. A row of one
 * owner takes nothing here.
 */
export interface FurtherOwners {
  /** Owners that there is room for. */
  free(): number;
  /** The row's latest entry, and the one before it; 0 is none. */
  first(row: number): number;
  next(entry: number): number;
  name(entry: number): number;
  /** As the latest. Throws RangeError when there is no room. */
  add(row: number, name: number): void;
  remove(row: number, entry: number): void;
}

const STRIDE = 2;
const [NAME, NEXT] = [0, 1];

export function createFurtherOwners(rows: number, entries: number): FurtherOwners {
  const heads = new Uint32Array(rows + 1);
  const pool = new Uint32Array((entries + 1) * STRIDE);
  let used = 0;
  let freed = 0;
  let free = entries;

  const next = (entry: number): number => pool[entry * STRIDE + NEXT] ?? 0;
  function take(): number {
    if (free === 0) throw new RangeError("no owner's place is free");
    free -= 1;
    if (freed === 0) return ++used;
    const entry = freed;
    freed = next(entry);
    return entry;
  }

  return {
    free() {
      return free;
    },
    first: (row) => heads[row] ?? 0,
    next,
    name: (entry) => pool[entry * STRIDE + NAME] ?? 0,
    add(row, name) {
      const entry = take();
      pool[entry * STRIDE + NAME] = name;
      pool[entry * STRIDE + NEXT] = heads[row] ?? 0;
      heads[row] = entry;
    },
    remove(row, entry) {
      if (heads[row] === entry) heads[row] = next(entry);
      else {
        let before = heads[row] ?? 0;
        while (next(before) !== entry) before = next(before);
        pool[before * STRIDE + NEXT] = next(entry);
      }
      pool[entry * STRIDE + NEXT] = freed;
      freed = entry;
      free += 1;
    },
  };
}
