/**
 * Rows in groups, and which of them was used longest ago. Within a group its list says so; among all it is a
 * heap of the groups, in which each stands by its oldest row. Rows and groups count from 1; 0 is none. A row
 * takes 16 octets.
 */
import { createRowLists } from "../tables/row-lists.ts";

export interface UseOrder {
  /** Adds a row that is in no group, as used last. Times are whole numbers that never go back. */
  add(row: number, group: number, time: number): void;
  remove(row: number): void;
  use(row: number, time: number): void;
  lastUse(row: number): number;
  /** 0 if the row is in none. */
  groupOf(row: number): number;
  oldestOf(group: number): number;
  sizeOf(group: number): number;
  oldest(): number;
}

/** A row's numbers are in one line of the processor's cache; so are a group's. */
const STRIDE = 2;
const [GROUP, USED] = [0, 1];
/** A place in the heap says the group there, and a group its place. */
const [GROUP_AT, PLACE_OF] = [0, 1];

export function createUseOrder(rowCount: number, groupCount: number): UseOrder {
  const lists = createRowLists(rowCount, groupCount);
  const rows = new Uint32Array((rowCount + 1) * STRIDE);
  const heap = new Uint32Array((groupCount + 1) * STRIDE);
  let groups = 0;

  const groupOf = (row: number): number => rows[row * STRIDE + GROUP] ?? 0;
  const lastUse = (row: number): number => rows[row * STRIDE + USED] ?? 0;
  const groupAt = (place: number): number => heap[place * STRIDE + GROUP_AT] ?? 0;
  const timeAt = (place: number): number => lastUse(lists.oldest(groupAt(place)));

  function put(group: number, place: number): void {
    heap[place * STRIDE + GROUP_AT] = group;
    heap[group * STRIDE + PLACE_OF] = place;
  }
  /** The group at this place goes down to where it belongs: its oldest row is a newer one now. */
  function sink(from: number): void {
    const group = groupAt(from);
    const time = timeAt(from);
    let place = from;
    for (;;) {
      let next = 2 * place;
      if (next < groups && timeAt(next + 1) < timeAt(next)) next += 1;
      if (next > groups || timeAt(next) >= time) break;
      put(groupAt(next), place);
      place = next;
    }
    put(group, place);
  }
  function rise(from: number): void {
    const group = groupAt(from);
    const time = timeAt(from);
    let place = from;
    for (let above = place >>> 1; above > 0 && timeAt(above) > time; above = place >>> 1) {
      put(groupAt(above), place);
      place = above;
    }
    put(group, place);
  }
  function leave(group: number): void {
    const place = heap[group * STRIDE + PLACE_OF] ?? 0;
    const last = groupAt(groups);
    groups -= 1;
    if (last === group) return;
    put(last, place);
    rise(place);
    sink(heap[last * STRIDE + PLACE_OF] ?? 0);
  }

  return {
    add(row, group, time) {
      rows[row * STRIDE + GROUP] = group;
      rows[row * STRIDE + USED] = time;
      const isFirst = lists.oldest(group) === 0;
      lists.add(row, group);
      if (!isFirst) return;
      groups += 1;
      put(group, groups);
      rise(groups);
    },
    remove(row) {
      const group = groupOf(row);
      const wasOldest = lists.oldest(group) === row;
      // A group leaves while it still has its time.
      if (lists.size(group) === 1) leave(group);
      lists.remove(row, group);
      rows[row * STRIDE + GROUP] = 0;
      if (wasOldest && lists.oldest(group) !== 0) sink(heap[group * STRIDE + PLACE_OF] ?? 0);
    },
    use(row, time) {
      const group = groupOf(row);
      const wasOldest = lists.oldest(group) === row;
      rows[row * STRIDE + USED] = time;
      lists.touch(row, group);
      if (wasOldest) sink(heap[group * STRIDE + PLACE_OF] ?? 0);
    },
    lastUse,
    groupOf,
    oldestOf: lists.oldest,
    sizeOf: lists.size,
    oldest() {
      return lists.oldest(groupAt(1));
    },
  };
}
