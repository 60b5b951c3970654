/**
 * Datagrams sent in batches: one `sendmmsg` for up to {@link BATCH} of them, with no object per packet.
 *
 * Those of one length that go to one place are one message of the call: the kernel takes them through
 * routing, packet filter and device as one packet, and cuts it where they part (UDP_SEGMENT, udp(7), Linux
 * 4.18). They keep their order; others may come before them.
 *
 *     control  length:8 = 18, level:4 = SOL_UDP, type:4 = UDP_SEGMENT, segment_octets:2 pad:6      24 octets
 */
import type { Arena } from "./arena.ts";
import { EAGAIN, EINTR, EINVAL, EIO, EMSGSIZE, ENOBUFS, tryCall } from "./libc.ts";
import {
  BATCH,
  CONTROL,
  CONTROL_LENGTH,
  HEADER,
  NAME_LENGTH,
  VECTOR,
  VECTOR_COUNT,
  VECTORS,
} from "./message-header.ts";
import { MSG_DONTWAIT } from "./socket-constants.ts";
import type { Region } from "./region.ts";
import { SOCKET_ADDRESS_SIZE } from "./socket-address.ts";

const SEGMENT_CONTROL = 24;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
/** What one packet holds below its headers, IPv6's included. */
const MAX_JOINED_OCTETS = 65_535 - 48;
/** A datagram looks at so many of the latest messages for one that it can join. */
const LOOK_BACK = 16;

export interface SendBatch {
  /** The socket that `flush` sends from. */
  fd: number;
  /**
   * Queues the `length` octets at `start` for the socket address at `name` (a multiple of 4; copied;
   * `nameLength` 0 for a connected socket). The datagram's octets must stay as they are until `flush`.
   * Flushes by itself when full.
   */
  push(start: number, length: number, name: number, nameLength: number): void;
  /** Sends what is queued. What the kernel will not take now is dropped and counted, as a network would. */
  flush(): void;
  dropped(): number;
}

export function sendBatchSize(): number {
  return BATCH * (HEADER + VECTOR + SOCKET_ADDRESS_SIZE + SEGMENT_CONTROL);
}

export function createSendBatch(arena: Arena, region: Region, fd: number): SendBatch {
  const { words, octets } = arena;
  const headers = region.take(BATCH * HEADER);
  const vectors = region.take(BATCH * VECTOR);
  const names = region.take(BATCH * SOCKET_ADDRESS_SIZE);
  const controls = region.take(BATCH * SEGMENT_CONTROL);
  for (let i = 0; i < BATCH; i++) {
    const control = controls + i * SEGMENT_CONTROL;
    words[control >> 2] = 18;
    words[(control + 8) >> 2] = SOL_UDP;
    words[(control + 12) >> 2] = UDP_SEGMENT;
    arena.writePointer(headers + i * HEADER + CONTROL, control);
  }
  /** By datagram: where its octets start, and the message that it is in. */
  const starts = new Uint32Array(BATCH);
  const messageOf = new Uint8Array(BATCH);
  /** By message: the length of each of its datagrams, how many it has, and its first vector. */
  const lengths = new Uint32Array(BATCH);
  const counts = new Uint8Array(BATCH);
  const firsts = new Uint8Array(BATCH);
  let queued = 0;
  let messages = 0;
  let dropped = 0;
  /** Whether the way out can cut joined datagrams. */
  let mayJoin = true;

  const headerOf = (message: number): number => headers + message * HEADER;
  const countOf = (message: number): number => counts[message] ?? 0;

  function find(length: number, name: number, nameLength: number): number {
    if (!mayJoin || length === 0) return -1;
    for (let message = messages - 1; message >= 0 && message >= messages - LOOK_BACK; message--) {
      const fits = lengths[message] === length && (countOf(message) + 1) * length <= MAX_JOINED_OCTETS;
      if (fits && goesTo(message, name, nameLength)) return message;
    }
    return -1;
  }

  function goesTo(message: number, name: number, nameLength: number): boolean {
    if (words[(headerOf(message) + NAME_LENGTH) >> 2] !== nameLength) return false;
    const there = (names + message * SOCKET_ADDRESS_SIZE) >> 2;
    const here = name >> 2;
    for (let i = 0; i < nameLength >> 2; i++) if (words[there + i] !== words[here + i]) return false;
    return true;
  }

  function open(length: number, name: number, nameLength: number): number {
    const message = messages++;
    if (nameLength > 0) {
      const copy = names + message * SOCKET_ADDRESS_SIZE;
      octets.copyWithin(copy, name, name + nameLength);
      arena.writePointer(headerOf(message), copy);
    }
    words[(headerOf(message) + NAME_LENGTH) >> 2] = nameLength;
    lengths[message] = length;
    counts[message] = 0;
    return message;
  }

  /** Each message's vectors one after the other, as the kernel wants them. */
  function layOut(): void {
    let first = 0;
    for (let message = 0; message < messages; message++) {
      firsts[message] = first;
      writeHeader(message, first, countOf(message));
      first += countOf(message);
      counts[message] = 0;
    }
    for (let i = 0; i < queued; i++) {
      const message = messageOf[i] ?? 0;
      const at = vectors + ((firsts[message] ?? 0) + countOf(message)) * VECTOR;
      counts[message] = countOf(message) + 1;
      arena.writePointer(at, starts[i] ?? 0);
      words[(at + 8) >> 2] = lengths[message] ?? 0;
    }
  }

  function writeHeader(message: number, first: number, count: number): void {
    const header = headerOf(message);
    arena.writePointer(header + VECTORS, vectors + first * VECTOR);
    words[(header + VECTOR_COUNT) >> 2] = count;
    words[(header + CONTROL_LENGTH) >> 2] = count > 1 ? SEGMENT_CONTROL : 0;
    words[(controls + message * SEGMENT_CONTROL + 16) >> 2] = lengths[message] ?? 0;
  }

  /**
   * `sendmmsg` of so many messages; again if a signal, or an error that an earlier datagram met, stood before
   * it.
   */
  function call(message: number, count: number): number {
    let isAgain = false;
    for (;;) {
      const sent = tryCall("sendmmsg", batch.fd, arena.address(headerOf(message)), count, MSG_DONTWAIT);
      // A connected socket reports an earlier ICMP error here, once, and has not sent this datagram yet.
      if (sent === -EINTR) continue;
      if (isAgain || sent > 0 || sent === -EAGAIN || sent === -ENOBUFS) return sent;
      isAgain = true;
    }
  }

  /** Each datagram of a message by itself. Once that has helped, nothing is joined any more. */
  function sendApart(message: number): void {
    for (let i = 0; i < countOf(message); i++) {
      writeHeader(message, (firsts[message] ?? 0) + i, 1);
      if (call(message, 1) === 1) mayJoin = false;
      else dropped += 1;
    }
  }

  function flush(): void {
    layOut();
    for (let message = 0; message < messages;) {
      const sent = call(message, messages - message);
      if (sent > 0) {
        message += sent;
        continue;
      }
      if (sent === -EAGAIN || sent === -ENOBUFS) {
        dropped += queued - (firsts[message] ?? 0);
        break;
      }
      // The kernel refuses this message (no route, an address that is gone): the rest may still go.
      if (countOf(message) > 1 && cannotJoin(sent)) sendApart(message);
      else dropped += countOf(message);
      message += 1;
    }
    queued = 0;
    messages = 0;
  }

  const batch: SendBatch = {
    fd,
    push(start, length, name, nameLength) {
      if (queued === BATCH) flush();
      const found = find(length, name, nameLength);
      const message = found < 0 ? open(length, name, nameLength) : found;
      counts[message] = countOf(message) + 1;
      starts[queued] = start;
      messageOf[queued] = message;
      queued += 1;
    },
    flush,
    dropped() {
      return dropped;
    },
  };
  return batch;
}

/**
 * A device that computes no checksums (EIO), or a path whose MTU is below one datagram (EMSGSIZE; EINVAL in
 * older kernels).
 */
function cannotJoin(result: number): boolean {
  return result === -EIO || result === -EMSGSIZE || result === -EINVAL;
}
