/**
 * Datagrams in batches: one `recvmmsg` or `sendmmsg` for up to {@link BATCH} of them, with no object per packet.
 *
 * The layouts that the kernel reads and writes, all little-endian, 64-bit:
 *
 *     mmsghdr  name:8 name_length:4 pad:4 iov:8 iov_count:8 control:8 control_length:8 flags:4 pad:4 | length:4 pad:4   64 octets
 *     iovec    base:8 length:8                                                                                          16 octets
 */
import type { Arena } from "./arena.ts";
import { EAGAIN, ECONNREFUSED, EINTR, ENOBUFS, tryCall } from "./libc.ts";
import { SOCKET_ADDRESS_SIZE } from "./socket-address.ts";

export const BATCH = 64;
const HEADER = 64;
const VECTOR = 16;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
const NAME_LENGTH = 8;
const FLAGS = 48;
const LENGTH = 56;

/** Hands out regions of one arena, in order. */
export interface Region {
  take(octets: number): number;
}

export interface ReceiveBatch {
  /** Receives what is there; returns how many datagrams, or `-errno`. Overwrites what the last call received. */
  receive(fd: number): number;
  /** Where datagram `index` starts in the arena. */
  start(index: number): number;
  /** Octets of datagram `index`; 0 when it did not fit, which no message of ours does. */
  length(index: number): number;
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
    arena.writePointer(header + 16, vectors + i * VECTOR);
    words[(header + 24) >> 2] = 1;
    arena.writePointer(vectors + i * VECTOR, slots + i * slot);
    words[(vectors + i * VECTOR + 8) >> 2] = slot;
  }
  const headersAddress = arena.address(headers);
  const field = (index: number, offset: number): number =>
    words[(headers + index * HEADER + offset) >> 2] ?? 0;
  let received = BATCH;
  return {
    receive(fd) {
      // The kernel wrote each sender's real length over the room it had.
      for (let i = 0; i < received; i++)
        words[(headers + i * HEADER + NAME_LENGTH) >> 2] = SOCKET_ADDRESS_SIZE;
      const count = tryCall("recvmmsg", fd, headersAddress, BATCH, MSG_DONTWAIT, 0);
      received = Math.max(count, 0);
      return count;
    },
    start: (index) => slots + index * slot,
    length: (index) => ((field(index, FLAGS) & MSG_TRUNC) === 0 ? field(index, LENGTH) : 0),
    sender: (index) => names + index * SOCKET_ADDRESS_SIZE,
    senderLength: (index) => field(index, NAME_LENGTH),
  };
}

export interface SendBatch {
  /** The socket that `flush` sends from. */
  fd: number;
  /**
   * Queues the `length` octets at `start` for the socket address at `name` (copied; `nameLength` 0 for a connected
   * socket). The datagram's octets must stay as they are until `flush`. Flushes by itself when full.
   */
  push(start: number, length: number, name: number, nameLength: number): void;
  /** Sends what is queued. What the kernel will not take now is dropped and counted, as a network would. */
  flush(): void;
  readonly dropped: number;
}

export function sendBatchSize(): number {
  return BATCH * (HEADER + VECTOR + SOCKET_ADDRESS_SIZE);
}

export function createSendBatch(arena: Arena, region: Region, fd: number): SendBatch {
  const { words, octets } = arena;
  const headers = region.take(BATCH * HEADER);
  const vectors = region.take(BATCH * VECTOR);
  const names = region.take(BATCH * SOCKET_ADDRESS_SIZE);
  for (let i = 0; i < BATCH; i++) {
    const header = headers + i * HEADER;
    arena.writePointer(header + 16, vectors + i * VECTOR);
    words[(header + 24) >> 2] = 1;
  }
  let queued = 0;
  let dropped = 0;
  function flush(): void {
    let sent = 0;
    let refused = false;
    while (sent < queued) {
      const count = tryCall(
        "sendmmsg",
        batch.fd,
        arena.address(headers + sent * HEADER),
        queued - sent,
        MSG_DONTWAIT,
      );
      if (count > 0) {
        sent += count;
        refused = false;
      } else if (count === -EINTR) continue;
      // A connected socket reports the far end's earlier refusal here, once, and has not sent this datagram yet.
      else if (count === -ECONNREFUSED && !refused) refused = true;
      else if (count === -EAGAIN || count === -ENOBUFS) {
        dropped += queued - sent;
        break;
      } else {
        // This one datagram is refused (no route, an address that is gone): the rest may still go.
        dropped += 1;
        sent += 1;
        refused = false;
      }
    }
    queued = 0;
  }
  const batch: SendBatch = {
    fd,
    push(start, length, name, nameLength) {
      if (queued === BATCH) flush();
      const header = headers + queued * HEADER;
      const vector = vectors + queued * VECTOR;
      if (nameLength > 0) {
        const copy = names + queued * SOCKET_ADDRESS_SIZE;
        octets.copyWithin(copy, name, name + nameLength);
        arena.writePointer(header, copy);
      }
      words[(header + NAME_LENGTH) >> 2] = nameLength;
      arena.writePointer(vector, start);
      words[(vector + 8) >> 2] = length;
      queued += 1;
    },
    flush,
    get dropped() {
      return dropped;
    },
  };
  return batch;
}
