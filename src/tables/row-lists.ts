/**
 * Rows of a table in lists, the one used longest ago first: links in typed arrays. Rows and lists count from
 * 1; 0 is none. A list of one row takes 4 octets: what only longer ones need lies apart, and is not touched.
 */
export interface RowLists {
  /** Puts a row that is in no list at the end of one. */
  add(row: number, list: number): void;
  remove(row: number, list: number): void;
  /** To the end of its list. */
  touch(row: number, list: number): void;
  /** 0 if the list is empty. */
  oldest(list: number): number;
  size(list: number): number;
}

/** What belongs together lies together, in one line of the processor's cache. */
const STRIDE = 2;
const [NEWER, OLDER] = [0, 1];
const [NEWEST, FURTHER] = [0, 1];

export function createRowLists(rowCount: number, listCount: number): RowLists {
  /** Zeros for a row that is alone. */
  const links = new Uint32Array((rowCount + 1) * STRIDE);
  const oldest = new Uint32Array(listCount + 1);
  /** Zeros for a list of one row. */
  const ends = new Uint32Array((listCount + 1) * STRIDE);

  const further = (list: number): number => ends[list * STRIDE + FURTHER] ?? 0;

  function add(row: number, list: number): void {
    const first = oldest[list] ?? 0;
    if (first === 0) {
      oldest[list] = row;
      return;
    }
    const count = further(list);
    const newest = count === 0 ? first : (ends[list * STRIDE + NEWEST] ?? 0);
    links[newest * STRIDE + NEWER] = row;
    links[row * STRIDE + OLDER] = newest;
    ends[list * STRIDE + NEWEST] = row;
    ends[list * STRIDE + FURTHER] = count + 1;
  }

  function remove(row: number, list: number): void {
    const count = further(list);
    if (count === 0) {
      oldest[list] = 0;
      return;
    }
    const before = links[row * STRIDE + OLDER] ?? 0;
    const after = links[row * STRIDE + NEWER] ?? 0;
    if (before === 0) oldest[list] = after;
    else links[before * STRIDE + NEWER] = after;
    if (after === 0) ends[list * STRIDE + NEWEST] = before;
    else links[after * STRIDE + OLDER] = before;
    links[row * STRIDE + NEWER] = 0;
    links[row * STRIDE + OLDER] = 0;
    ends[list * STRIDE + FURTHER] = count - 1;
  }

  return {
    add,
    remove,
    touch(row, list) {
      if (further(list) === 0 || ends[list * STRIDE + NEWEST] === row) return;
      remove(row, list);
      add(row, list);
    },
    oldest: (list) => oldest[list] ?? 0,
    size: (list) => (oldest[list] === 0 ? 0 : further(list) + 1),
  };
}
