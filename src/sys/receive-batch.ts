/**
 * Datagrams received in batches: one `recvmmsg` for up to {@link BATCH} of them, with no object per packet.
 */
import type { Arena } from "./arena.ts";
import { tryCall } from "./libc.ts";
import {
  BATCH,
  FLAGS,
  HEADER,
  LENGTH,
  NAME_LENGTH,
  VECTOR,
  VECTOR_COUNT,
  VECTORS,
} from "./message-header.ts";
import { MSG_DONTWAIT } from "./socket-constants.ts";
import type { Region } from "./region.ts";
import { SOCKET_ADDRESS_SIZE } from "./socket-address.ts";

const MSG_TRUNC = 0x20;

export interface ReceiveBatch {
  /** Octets that a datagram has room for. */
  readonly slot: number;
  /**
   * Receives what is there; returns how many datagrams, or `-errno`. Overwrites what the last call received.
   */
  receive(fd: number): number;
  /** Where datagram `index` starts in the arena. */
  start(index: number): number;
  /** Octets of datagram `index`; 0 for one that did not fit. */
  length(index: number): number;
  /** Whether datagram `index` did not fit: its slot is full, and the rest of it is lost. */
  isCut(index: number): boolean;
  /** Where the sender's socket address is, and how long. */
  sender(index: number): number;
  senderLength(index: number): number;
}

/** Octets of arena that a {@link ReceiveBatch} with this slot size takes. */
export function receiveBatchSize(slot: number): number {
  return BATCH * (HEADER + VECTOR + SOCKET_ADDRESS_SIZE + slot);
}

export function createReceiveBatch(arena: Arena, region: Region, slot: number): ReceiveBatch {
  const { words } = arena;
  const headers = region.take(BATCH * HEADER);
  const vectors = region.take(BATCH * VECTOR);
  const names = region.take(BATCH * SOCKET_ADDRESS_SIZE);
  const slots = region.take(BATCH * slot);
  for (let i = 0; i < BATCH; i++) {
    const header = headers + i * HEADER;
    arena.writePointer(header, names + i * SOCKET_ADDRESS_SIZE);
    arena.writePointer(header + VECTORS, vectors + i * VECTOR);
    words[(header + VECTOR_COUNT) >> 2] = 1;
    arena.writePointer(vectors + i * VECTOR, slots + i * slot);
    words[(vectors + i * VECTOR + 8) >> 2] = slot;
  }
  const headersAddress = arena.address(headers);
  const field = (index: number, offset: number): number =>
    words[(headers + index * HEADER + offset) >> 2] ?? 0;
  const isCut = (index: number): boolean => (field(index, FLAGS) & MSG_TRUNC) !== 0;
  let received = BATCH;
  return {
    slot,
    receive(fd) {
      // The kernel wrote each sender's real length over the room it had.
      for (let i = 0; i < received; i++)
        words[(headers + i * HEADER + NAME_LENGTH) >> 2] = SOCKET_ADDRESS_SIZE;
      const count = tryCall("recvmmsg", fd, headersAddress, BATCH, MSG_DONTWAIT, 0);
      received = Math.max(count, 0);
      return count;
    },
    start: (index) => slots + index * slot,
    length: (index) => (isCut(index) ? 0 : field(index, LENGTH)),
    isCut,
    sender: (index) => names + index * SOCKET_ADDRESS_SIZE,
    senderLength: (index) => field(index, NAME_LENGTH),
  };
}
