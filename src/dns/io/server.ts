/**
 * The DNS server of one sandbox: listeners, upstream sockets and the resolver between them, in the network namespace that it is opened in.
 *
 * The shape of the arena, in order: client batch, upstream batch, listeners' answers, upstream queries, waiting clients,
 * lookups under way, one TCP query and answer. Only pages that are used cost memory.
 */
import { createArena } from "../../sys/arena.ts";
import { createReceiveBatch, receiveBatchSize } from "../../sys/datagrams.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { readOwnPorts } from "../../sys/local-ports.ts";
import { createRegion } from "../../sys/region.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { SocketMark } from "../../sys/socket.ts";
import { createEngine, engineSize, type Engine } from "../engine.ts";
import type { AddressAdmission, LookupObserver, LookupPolicy } from "../ports.ts";
import { createRandomSource } from "../random.ts";
import { MAX_UDP_OCTETS } from "../wire/query.ts";
import { createTcpExchange } from "./tcp-exchange.ts";
import { openTcpListener, TCP_ANSWER_ROOM, TCP_QUERY_ROOM, type TcpListener } from "./tcp-listener.ts";
import { openUdpListener, udpListenerSize, type UdpListener } from "./udp-listener.ts";
import { openUpstreamSockets, upstreamSocketsSize } from "./upstream-sockets.ts";

const LIMITS = { maxWaiters: 8192, maxLookups: 8192 };
const TICK_MS = 50;

export interface DnsServerOptions {
  /** Where clients' lookups arrive; those whose address this namespace does not have are left out. */
  readonly listen: readonly Endpoint[];
  readonly upstreams: readonly Endpoint[];
  readonly mark: SocketMark;
  readonly timeoutMs: number;
  readonly policy: LookupPolicy;
  readonly admission: AddressAdmission;
  readonly observer: LookupObserver;
}

export interface DnsServer {
  /** Where it listens, over UDP and TCP each. */
  readonly listening: readonly Endpoint[];
  /** Forgets cached answers: the policy has changed. */
  clearCache(): void;
  /** Lookups that wait for an upstream. */
  readonly underWay: number;
  /** Stops listening, answers what is under way within `graceMs`, closes. */
  close(graceMs: number): Promise<void>;
}

const now = (): number => performance.now();

/** Opens everything. Throws SystemCallError or Node's error (`code`) when nothing could be bound or rights are missing. */
export async function openDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const { upstreams, timeoutMs } = options;
  const size =
    2 * receiveBatchSize(MAX_UDP_OCTETS) +
    options.listen.length * udpListenerSize() +
    upstreamSocketsSize(upstreams.length) +
    engineSize(LIMITS) +
    TCP_QUERY_ROOM +
    TCP_ANSWER_ROOM +
    1024;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const random = createRandomSource();
  const ports = readOwnPorts();
  const udpListeners: UdpListener[] = [];
  const tcpListeners: TcpListener[] = [];
  let ticking: NodeJS.Timeout | undefined;

  function passDone(): void {
    engine.endPass();
    for (const listener of udpListeners) listener.flush();
    transport.flush();
    if (ticking === undefined && engine.underWay > 0) ticking = setInterval(tick, TICK_MS);
  }
  function tick(): void {
    engine.tick();
    passDone();
    if (engine.underWay > 0) return;
    clearInterval(ticking);
    ticking = undefined;
  }

  const transport = openUpstreamSockets({
    arena,
    region,
    upstreams,
    mark: options.mark,
    ports,
    random,
    receive: createReceiveBatch(arena, region, MAX_UDP_OCTETS),
    lingerMs: timeoutMs,
    exchange: createTcpExchange({ upstreams, mark: options.mark, ports, random }),
    onAnswer: (attempt, upstream, start, end) => engine.receive(attempt, upstream, start, end),
    onPass: passDone,
  });
  const engine: Engine = createEngine({
    ...LIMITS,
    arena,
    region,
    transport,
    timeoutMs,
    policy: options.policy,
    admission: options.admission,
    observer: options.observer,
    randomOctet: random.octet,
    now,
    onLateAnswer: passDone,
  });

  const receive = createReceiveBatch(arena, region, MAX_UDP_OCTETS);
  const queryRoom = region.take(TCP_QUERY_ROOM);
  const answerRoom = region.take(TCP_ANSWER_ROOM);
  const listening: Endpoint[] = [];
  try {
    for (const local of options.listen) {
      const opened = await openPair(local);
      if (opened) listening.push(local);
    }
    if (listening.length === 0) throw new SystemCallError("bind", 99, "no address to listen on");
  } catch (error) {
    await closeListeners();
    transport.close();
    throw error;
  }

  /** Both transports of one address, or false where this namespace does not have the address (IPv6 switched off). */
  async function openPair(local: Endpoint): Promise<boolean> {
    try {
      const onBatch: Parameters<typeof openUdpListener>[1]["onBatch"] = (count, client) => {
        engine.handleBatch(receive, count, client, now());
        passDone();
      };
      udpListeners.push(openUdpListener(local, { arena, region, receive, onBatch }));
      tcpListeners.push(
        await openTcpListener(local, {
          arena,
          queryRoom,
          answerRoom,
          onQuery: (start, end, client) => {
            engine.handle(start, end, client, 0, 0, now());
            passDone();
          },
        }),
      );
      return true;
    } catch (error) {
      if (isAddressMissing(error)) return false;
      throw error;
    }
  }
  async function closeListeners(): Promise<void> {
    for (const listener of udpListeners.splice(0)) listener.close();
    await Promise.all(tcpListeners.splice(0).map((listener) => listener.close()));
  }

  return {
    listening,
    clearCache: engine.clearCache,
    get underWay() {
      return engine.underWay;
    },
    async close(graceMs) {
      const until = performance.now() + graceMs;
      while (engine.underWay > 0 && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      clearInterval(ticking);
      await closeListeners();
      transport.close();
    },
  };
}

function isAddressMissing(error: unknown): boolean {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT";
}
