/** Rows of a table in lists, each row in one of them at most, the one used longest ago first: links in typed arrays. Rows and lists count from 1; 0 is none. */
export interface RowLists {
  /** Puts a row that is in no list at the end of one. */
  add(row: number, list: number): void;
  /** Nothing where the row is in no list. */
  remove(row: number): void;
  /** To the end of its list. */
  touch(row: number): void;
  /** 0 where the list is empty. */
  oldest(list: number): number;
  size(list: number): number;
  /** 0 where the row is in none. */
  listOf(row: number): number;
}

/** What belongs together lies together: a row's or a list's numbers are in one line of the processor's cache. */
const STRIDE = 4;
const [LIST, NEWER, OLDER] = [0, 1, 2];
const [HEAD, TAIL, SIZE] = [0, 1, 2];

export function createRowLists(rowCount: number, listCount: number): RowLists {
  const rows = new Uint32Array((rowCount + 1) * STRIDE);
  const lists = new Uint32Array((listCount + 1) * STRIDE);

  function add(row: number, list: number): void {
    const [at, to] = [row * STRIDE, list * STRIDE];
    const tail = lists[to + TAIL] ?? 0;
    rows[at + LIST] = list;
    rows[at + OLDER] = tail;
    rows[at + NEWER] = 0;
    if (tail === 0) lists[to + HEAD] = row;
    else rows[tail * STRIDE + NEWER] = row;
    lists[to + TAIL] = row;
    lists[to + SIZE] = (lists[to + SIZE] ?? 0) + 1;
  }
  function remove(row: number): void {
    const at = row * STRIDE;
    const list = rows[at + LIST] ?? 0;
    if (list === 0) return;
    const to = list * STRIDE;
    const before = rows[at + OLDER] ?? 0;
    const after = rows[at + NEWER] ?? 0;
    if (before === 0) lists[to + HEAD] = after;
    else rows[before * STRIDE + NEWER] = after;
    if (after === 0) lists[to + TAIL] = before;
    else rows[after * STRIDE + OLDER] = before;
    lists[to + SIZE] = (lists[to + SIZE] ?? 0) - 1;
    rows[at + LIST] = 0;
  }

  return {
    add,
    remove,
    touch(row) {
      const list = rows[row * STRIDE + LIST] ?? 0;
      if (list === 0 || lists[list * STRIDE + TAIL] === row) return;
      remove(row);
      add(row, list);
    },
    oldest: (list) => lists[list * STRIDE + HEAD] ?? 0,
    size: (list) => lists[list * STRIDE + SIZE] ?? 0,
    listOf: (row) => rows[row * STRIDE + LIST] ?? 0,
  };
}
