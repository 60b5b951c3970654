/**
 * Clients that wait for an answer: rows of one table, so that a waiting lookup costs no objects. A row keeps
 * what the answer needs of the query: where it goes, its id and flags, and the question as the client wrote
 * it.
 */
import type { Arena } from "../../sys/arena.ts";
import { BATCH } from "../../sys/message-header.ts";
import type { Region } from "../../sys/region.ts";
import { SOCKET_ADDRESS_SIZE } from "../../sys/socket-address.ts";
import { GROUPS, NO_GROUP } from "../bounds/lookup-groups.ts";
import type { ReplyHeader } from "../answer/write-answer.ts";
import { HEADER_OCTETS, MAX_NAME_OCTETS } from "../wire/constants.ts";
import type { Query } from "../wire/query.ts";

/** Where answers go: a UDP listener, or one TCP connection. */
export interface Client {
  /** Over a stream any message fits; over UDP what the client's EDNS says. */
  readonly isStream: boolean;
  /** Offset in the arena of room for an answer of that many octets; valid until the next `send`. */
  reserve(octets: number): number;
  /** Sends what was written there. `name` is the offset of the client's socket address. */
  send(start: number, length: number, name: number, nameLength: number): void;
}

export const NO_WAITER = -1;
/** Rows for answers from memory: each of a batch needs one until the pass ends. */
const KEPT_FOR_CACHED = BATCH;
const MAX_QUESTION = MAX_NAME_OCTETS + 5;
const ROW = SOCKET_ADDRESS_SIZE + MAX_QUESTION;

export interface WaiterTable {
  /**
   * Whether one more of that group may wait. A group may have as many rows as are still free, so that the
   * largest leaves half of the table to others, the two largest a third, and so on.
   */
  admits(group: number): boolean;
  /** Adds a row in front of `next`; NO_WAITER when the table is full. */
  add(query: Query, client: Client, name: number, nameLength: number, next: number): number;
  /** The row counts for the group, where it is one, until it is released. */
  countFor(row: number, group: number): void;
  /** Frees the row and returns the next one. */
  release(row: number): number;
  /** The row's asker; overwritten by the next call. */
  asker(row: number): ReplyHeader;
  client(row: number): Client | undefined;
  next(row: number): number;
  udpSize(row: number): number;
  questionAt(row: number): number;
  nameAt(row: number): number;
  nameLength(row: number): number;
  size(): number;
}

export function waiterTableSize(capacity: number): number {
  return capacity * ROW;
}

const FLAG = { recursionDesired: 1, checkingDisabled: 2, edns: 4, dnssecOk: 8, authenticData: 16 } as const;

export function createWaiterTable(arena: Arena, region: Region, capacity: number): WaiterTable {
  const rows = region.take(waiterTableSize(capacity));
  const clients: (Client | undefined)[] = [];
  const ids = new Uint16Array(capacity);
  const flags = new Uint8Array(capacity);
  const sizes = new Uint16Array(capacity);
  const questionOctets = new Uint16Array(capacity);
  const nameLengths = new Uint8Array(capacity);
  const nexts = new Int32Array(capacity);
  const groups = new Uint16Array(capacity);
  const groupSizes = new Uint32Array(GROUPS + 1);
  let free = NO_WAITER;
  let used = 0;
  let size = 0;
  const shared = {
    id: 0,
    opcode: 0,
    recursionDesired: false,
    checkingDisabled: false,
    hasEdns: false,
    dnssecOk: false,
    authenticData: false,
    questionOctets: 0,
  };

  function take(): number {
    if (free !== NO_WAITER) {
      const row = free;
      free = nexts[row] ?? NO_WAITER;
      return row;
    }
    return used < capacity ? used++ : NO_WAITER;
  }

  function leaveGroup(row: number): void {
    const group = groups[row] ?? NO_GROUP;
    if (group === NO_GROUP) return;
    groups[row] = NO_GROUP;
    groupSizes[group] = (groupSizes[group] ?? 0) - 1;
  }

  return {
    admits: (group) => (groupSizes[group] ?? 0) < capacity - KEPT_FOR_CACHED - size,
    countFor(row, group) {
      if (group === NO_GROUP) return;
      groups[row] = group;
      groupSizes[group] = (groupSizes[group] ?? 0) + 1;
    },
    add(query, client, name, nameLength, next) {
      const row = take();
      if (row === NO_WAITER) return row;
      size += 1;
      clients[row] = client;
      ids[row] = query.id;
      flags[row] =
        (query.recursionDesired ? FLAG.recursionDesired : 0) |
        (query.checkingDisabled ? FLAG.checkingDisabled : 0) |
        (query.hasEdns ? FLAG.edns : 0) |
        (query.dnssecOk ? FLAG.dnssecOk : 0) |
        (query.authenticData ? FLAG.authenticData : 0);
      sizes[row] = query.udpSize;
      questionOctets[row] = query.questionOctets;
      nameLengths[row] = nameLength;
      nexts[row] = next;
      const at = rows + row * ROW;
      arena.octets.copyWithin(at, name, name + nameLength);
      const question = query.start + HEADER_OCTETS;
      arena.octets.copyWithin(at + SOCKET_ADDRESS_SIZE, question, question + query.questionOctets);
      return row;
    },
    release(row) {
      const next = nexts[row] ?? NO_WAITER;
      leaveGroup(row);
      clients[row] = undefined;
      nexts[row] = free;
      free = row;
      size -= 1;
      return next;
    },
    asker(row) {
      const bits = flags[row] ?? 0;
      shared.id = ids[row] ?? 0;
      shared.recursionDesired = (bits & FLAG.recursionDesired) !== 0;
      shared.checkingDisabled = (bits & FLAG.checkingDisabled) !== 0;
      shared.hasEdns = (bits & FLAG.edns) !== 0;
      shared.dnssecOk = (bits & FLAG.dnssecOk) !== 0;
      shared.authenticData = (bits & FLAG.authenticData) !== 0;
      shared.questionOctets = questionOctets[row] ?? 0;
      return shared;
    },
    client: (row) => clients[row],
    next: (row) => nexts[row] ?? NO_WAITER,
    udpSize: (row) => sizes[row] ?? 0,
    questionAt: (row) => rows + row * ROW + SOCKET_ADDRESS_SIZE,
    nameAt: (row) => rows + row * ROW,
    nameLength: (row) => nameLengths[row] ?? 0,
    size() {
      return size;
    },
  };
}
