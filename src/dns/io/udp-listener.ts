/** One UDP socket that clients' lookups come to, read and answered in batches. */
import type { Arena } from "../../sys/arena.ts";
import { BATCH } from "../../sys/message-header.ts";
import type { ReceiveBatch } from "../../sys/receive-batch.ts";
import type { Region } from "../../sys/region.ts";
import { createSendBatch, sendBatchSize } from "../../sys/send-batch.ts";
import { watchReadable, type Watch, type WatchFault } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, openSocket, SOCK_DGRAM } from "../../sys/socket.ts";
import type { Client } from "../delivery/waiters.ts";
import { MAX_UDP_OCTETS } from "../wire/query.ts";

const RECEIVE_BUFFER = 4 << 20;

export interface UdpListener {
  readonly client: Client;
  flush(): void;
  /**
   * Reads what is there, before the event loop says so; returns how many datagrams. None before `start` and
   * after `stop`.
   */
  read(): number;
  /** Answers that the kernel would not take. */
  dropped(): number;
  /** Begins to read; queries that came before wait in the socket. */
  start(): void;
  /** Reads no more queries; answers may still go out. */
  stop(): void;
  /**
   * Why queries were not read since the last look; to be asked about once a second. They are from then on.
   * Throws SystemCallError if the port is taken.
   */
  fault(): string | undefined;
  close(): void;
}

export interface UdpListenerOptions {
  readonly arena: Arena;
  readonly region: Region;
  readonly receive: ReceiveBatch;
  /**
   * A batch has been received: `count` datagrams are in `receive`, and may be overwritten in place until the
   * next one.
   */
  readonly onBatch: (count: number, client: Client) => void;
  /** The event loop has had a batch read, and it has been handled: so many datagrams. */
  readonly onRead: (count: number) => void;
}

export function udpListenerSize(): number {
  return sendBatchSize() + BATCH * MAX_UDP_OCTETS;
}

/**
 * Binds, and reads nothing before `start`; throws SystemCallError (EADDRINUSE: another process has the port;
 * EADDRNOTAVAIL: no such address here).
 */
export function openUdpListener(local: Endpoint, options: UdpListenerOptions): UdpListener {
  const { arena, region, receive } = options;
  const open = (): number => openSocket({ type: SOCK_DGRAM, local, receiveBuffer: RECEIVE_BUFFER });
  let fd = open();
  let isStarted = false;
  const batch = createSendBatch(arena, region, fd);
  const slots = region.take(BATCH * MAX_UDP_OCTETS);
  let reserved = 0;
  const client: Client = {
    isStream: false,
    reserve() {
      if (reserved === BATCH) {
        batch.flush();
        reserved = 0;
      }
      return slots + MAX_UDP_OCTETS * reserved++;
    },
    send: batch.push,
  };
  let watch: Watch | undefined;
  function read(): number {
    const count = watch === undefined ? 0 : Math.max(receive.receive(fd), 0);
    if (count > 0) options.onBatch(count, client);
    return count;
  }
  function stop(): void {
    isStarted = false;
    endWatch();
  }
  function endWatch(): void {
    watch?.close();
    watch = undefined;
  }
  function start(): void {
    isStarted = true;
    watch ??= watchReadable(fd, () => options.onRead(read()), { isSynchronous: true });
  }
  function reopen(): void {
    endWatch();
    closeSocket(fd);
    fd = -1;
    batch.fd = -1;
    fd = open();
    batch.fd = fd;
    start();
  }
  return {
    client,
    flush() {
      batch.flush();
      reserved = 0;
    },
    dropped: batch.dropped,
    start,
    read,
    stop,
    fault() {
      if (!isStarted) return undefined;
      const fault = watch === undefined ? GONE : watch.fault();
      if (fault?.isDescriptorLost === true) reopen();
      return fault?.reason;
    },
    close() {
      stop();
      batch.fd = -1;
      closeSocket(fd);
    },
  };
}

/** What a socket has that could not be opened again yet. */
const GONE: WatchFault = { reason: "its descriptor is closed", isDescriptorLost: true };
