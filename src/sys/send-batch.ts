/** Datagrams sent in batches: one `sendmmsg` for up to {@link BATCH} of them, with no object per packet. */
import type { Arena } from "./arena.ts";
import { EAGAIN, ECONNREFUSED, EINTR, ENOBUFS, tryCall } from "./libc.ts";
import { BATCH, HEADER, MSG_DONTWAIT, NAME_LENGTH, VECTOR, VECTOR_COUNT, VECTORS } from "./message-header.ts";
import type { Region } from "./region.ts";
import { SOCKET_ADDRESS_SIZE } from "./socket-address.ts";

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
    arena.writePointer(header + VECTORS, vectors + i * VECTOR);
    words[(header + VECTOR_COUNT) >> 2] = 1;
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
