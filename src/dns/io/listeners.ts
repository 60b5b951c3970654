/** Where clients' lookups arrive: over UDP and TCP at each address that this namespace has. */
import type { Arena } from "../../sys/arena.ts";
import { createReceiveBatch, receiveBatchSize, type ReceiveBatch } from "../../sys/receive-batch.ts";
import type { Region } from "../../sys/region.ts";
import { SystemCallError } from "../../sys/errors.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { Client } from "../delivery/waiters.ts";
import { MAX_UDP_OCTETS } from "../wire/query.ts";
import { openTcpListener, TCP_ANSWER_ROOM, TCP_QUERY_ROOM, type TcpListener } from "./tcp-listener.ts";
import { openUdpListener, udpListenerSize, type UdpListener } from "./udp-listener.ts";

export interface ListenersOptions {
  readonly arena: Arena;
  readonly region: Region;
  /**
   * Addresses that the namespace does not have (IPv6 switched off) are left out, and `::` where none of IPv6
   * is before it.
   */
  readonly listen: readonly Endpoint[];
  readonly tcpIdleMs: number;
  readonly onBatch: (batch: ReceiveBatch, count: number, client: Client) => void;
  /** The event loop has had a batch of datagrams read, and it has been handled. */
  readonly onRead: (count: number) => void;
  /** One query; `onPass` follows once those are handed over that came with it. */
  readonly onQuery: (start: number, end: number, client: Client) => void;
  readonly onPass: () => void;
}

export interface Listeners {
  /** Where it listens, over both transports each. */
  readonly listening: readonly Endpoint[];
  /** UDP answers that the kernel would not take. */
  dropped(): number;
  /** Sends the answers that are queued. */
  flush(): void;
  /** Reads what has come over UDP, before the event loop says so; returns how many datagrams. */
  read(): number;
  /** Begins to take queries; those that came before have waited. */
  start(): void;
  /** Takes no more queries; answers may still go out. */
  stop(): void;
  /**
   * Why datagrams were not read since the last look; to be asked about once a second. Throws SystemCallError
   * if a port is taken.
   */
  fault(): string | undefined;
  close(): Promise<void>;
}

/** Octets of arena for listeners at so many addresses. */
export function listenersSize(addresses: number): number {
  return receiveBatchSize(MAX_UDP_OCTETS) + addresses * udpListenerSize() + TCP_QUERY_ROOM + TCP_ANSWER_ROOM;
}

/** Binds. Throws SystemCallError or Node's error (`code`) if an address is taken, or none is there. */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const { arena, region } = options;
  const receive = createReceiveBatch(arena, region, MAX_UDP_OCTETS);
  const queryRoom = region.take(TCP_QUERY_ROOM);
  const answerRoom = region.take(TCP_ANSWER_ROOM);
  const opened: Pair[] = [];

  async function close(): Promise<void> {
    for (const { udp } of opened) udp.close();
    await Promise.all(opened.map(({ tcp }) => tcp.close()));
  }
  async function openPair(local: Endpoint): Promise<void> {
    const onBatch = (count: number, client: Client): void => options.onBatch(receive, count, client);
    const udp = openUdpListener(local, { arena, region, receive, onBatch, onRead: options.onRead });
    try {
      const { tcpIdleMs: idleMs, onQuery, onPass } = options;
      const tcp = await openTcpListener(local, { arena, queryRoom, answerRoom, idleMs, onQuery, onPass });
      opened.push({ local, udp, tcp });
    } catch (error) {
      udp.close();
      throw error;
    }
  }

  try {
    for (const local of options.listen) {
      const isOfUse = local.address !== EVERY_IPV6 || opened.some((one) => one.local.address.includes(":"));
      if (isOfUse) await openPair(local).catch(passMissingAddress);
    }
    if (opened.length === 0) throw new SystemCallError("bind", EADDRNOTAVAIL, "no address to listen on");
  } catch (error) {
    await close();
    throw error;
  }
  return listenersOf(opened, close);
}

/** The two listeners of one address. */
interface Pair {
  readonly local: Endpoint;
  readonly udp: UdpListener;
  readonly tcp: TcpListener;
}

function listenersOf(opened: readonly Pair[], close: () => Promise<void>): Listeners {
  return {
    listening: opened.map(({ local }) => local),
    dropped() {
      return opened.reduce((sum, { udp }) => sum + udp.dropped(), 0);
    },
    read() {
      for (const { local, udp } of opened) {
        // Asked by few, and each look costs a call.
        if (local.address === EVERY_IPV6) continue;
        const count = udp.read();
        if (count > 0) return count;
      }
      return 0;
    },
    fault: () =>
      opened.flatMap(({ udp, tcp }) => [udp.fault(), tcp.fault()]).find((reason) => reason !== undefined),
    flush() {
      for (const { udp, tcp } of opened) {
        udp.flush();
        tcp.flush();
      }
    },
    start() {
      for (const { udp, tcp } of opened) {
        udp.start();
        tcp.start();
      }
    },
    stop() {
      for (const { udp, tcp } of opened) {
        udp.stop();
        tcp.stop();
      }
    },
    close,
  };
}

const EADDRNOTAVAIL = 99;
/** It can be bound where IPv6 is switched off, too: so only after another address. */
const EVERY_IPV6 = "::";

function passMissingAddress(error: unknown): void {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code !== "EADDRNOTAVAIL" && code !== "EAFNOSUPPORT") throw error;
}
