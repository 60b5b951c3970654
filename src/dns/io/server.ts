/**
 * The DNS server of one sandbox: listeners, upstream sockets and the resolver between them, in the network
 * namespace that it is opened in.
 *
 * The arena holds, in order: upstream batch, upstream queries, waiting clients, lookups under way, client
 * batch, one TCP query and answer, listeners' answers. Only pages that are used cost memory.
 */
import { createArena } from "../../sys/arena.ts";
import { createReceiveBatch, receiveBatchSize } from "../../sys/receive-batch.ts";
import { readOwnPorts } from "../../sys/local-ports.ts";
import { drawSeed, fillRandom } from "../../sys/random.ts";
import { createRegion } from "../../sys/region.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { SocketMark } from "../../sys/socket.ts";
import type { DnsCapacity } from "../capacity.ts";
import { createEngine, engineSize, type Engine, type EngineStats } from "../engine.ts";
import type { BoundSettings } from "../bounds/lookup-bounds.ts";
import type { AddressAdmission, LookupObserver, LookupPolicy, UpstreamProbes } from "../ports.ts";
import { createRandomSource } from "../random.ts";
import { MAX_UDP_OCTETS } from "../wire/query.ts";
import { createBusyPolling } from "./busy-polling.ts";
import { listenersSize, openListeners, type Listeners } from "./listeners.ts";
import { drawPing } from "./self-check.ts";
import { createTcpExchange } from "./tcp-exchange.ts";
import { openUpstreamSockets, upstreamSocketsSize, type UpstreamSockets } from "./upstream-sockets.ts";

const TICK_MS = 50;
const TCP_IDLE_MS = 10_000;

export interface DnsServerOptions {
  /**
   * Where clients' lookups arrive; those whose address this namespace does not have are left out; `::` is not
   * polled.
   */
  readonly listen: readonly Endpoint[];
  /** At most {@link MAX_UPSTREAMS}. */
  readonly upstreams: readonly Endpoint[];
  readonly mark: SocketMark;
  readonly timeoutMs: number;
  readonly capacity: DnsCapacity;
  readonly bounds: BoundSettings;
  readonly policy: LookupPolicy;
  readonly admission: AddressAdmission;
  readonly observer: LookupObserver;
  /** Without them, upstreams are known by lookups alone. */
  readonly probes?: UpstreamProbes;
  /** Called once if lookups wait, and no upstream has ever answered. */
  readonly onUnanswered?: () => void;
}

export interface DnsServerStats extends EngineStats {
  /** Answers and upstream queries that the kernel would not take. */
  readonly droppedAnswers: number;
  readonly droppedQueries: number;
}

export interface DnsServer {
  /** Where it listens, over UDP and TCP each. */
  readonly listening: readonly Endpoint[];
  /** What `findSilentTransport` asks there. It is answered and not counted. */
  readonly ping: Buffer;
  /**
   * Begins to take queries; those that came before have waited. Before the first policy there is nothing true
   * to say.
   */
  start(): void;
  /** Forgets cached answers: the policy has changed. */
  clearCache(): void;
  /** Lookups that wait for an upstream. */
  underWay(): number;
  /** Whether the upstream of that index answers, as far as lookups and probes have shown. */
  isUpstreamAlive(upstream: number): boolean;
  /**
   * Why queries, or upstreams' answers, were not read since the last look; to be asked about once a second.
   * They are from then on. Throws SystemCallError if a port is taken.
   */
  readonly watched: {
    readonly queries: () => string | undefined;
    readonly answers: () => string | undefined;
  };
  /** Counts since the start and sizes now, as they are at this moment. */
  stats(): DnsServerStats;
  /** Takes no more queries, answers what is under way (SERVFAIL once `graceMs` is over), closes. */
  close(graceMs: number): Promise<void>;
}

/**
 * Opens everything, and takes no query before `start`. Throws SystemCallError or Node's error (`code`) when
 * nothing could be bound or rights are missing.
 */
export async function openDnsServer(options: DnsServerOptions): Promise<DnsServer> {
  const passes = createPasses();
  const ping = drawPing(fillRandom);
  const { engine, transport, arena, region } = openEngine(options, passes, ping);
  let listeners: Listeners;
  try {
    listeners = await openListeners({
      arena,
      region,
      listen: options.listen,
      tcpIdleMs: Math.max(TCP_IDLE_MS, options.timeoutMs + 1000),
      onBatch(batch, count, client) {
        engine.handleBatch(batch, count, client, nowMs());
        passes.end();
      },
      onQuery(start, end, client) {
        engine.handle(start, end, client, 0, 0, nowMs());
      },
      onRead: passes.poll,
      onPass: passes.end,
    });
  } catch (error) {
    engine.abandon();
    transport.close();
    throw error;
  }
  passes.begin(engine, listeners, transport);

  async function close(graceMs: number): Promise<void> {
    const until = nowMs() + graceMs;
    listeners.stop();
    while (engine.underWay() > 0 && nowMs() < until) await new Promise((resolve) => setTimeout(resolve, 10));
    engine.abandon();
    passes.end();
    passes.stop();
    transport.close();
    await listeners.close();
  }
  return {
    listening: listeners.listening,
    ping,
    start: listeners.start,
    clearCache: engine.clearCache,
    underWay: engine.underWay,
    isUpstreamAlive: engine.isUpstreamAlive,
    watched: { queries: listeners.fault, answers: transport.fault },
    stats: () => ({
      ...engine.stats(),
      droppedAnswers: listeners.dropped(),
      droppedQueries: transport.dropped(),
    }),
    close,
  };
}

interface OpenEngine {
  readonly engine: Engine;
  readonly transport: UpstreamSockets;
  readonly arena: ReturnType<typeof createArena>;
  readonly region: ReturnType<typeof createRegion>;
}

/** The engine and the sockets to its upstreams, with room left in the arena for the listeners. */
function openEngine(
  options: DnsServerOptions,
  passes: Pick<Passes, "end" | "poll">,
  ownProbe: Buffer,
): OpenEngine {
  const { upstreams, timeoutMs, mark, capacity } = options;
  const size =
    receiveBatchSize(MAX_UDP_OCTETS) +
    upstreamSocketsSize(upstreams.length) +
    engineSize(capacity) +
    listenersSize(options.listen.length) +
    1024;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const random = createRandomSource(fillRandom);
  const own = { mark, ports: readOwnPorts(), random };
  const transport = openUpstreamSockets({
    ...own,
    arena,
    region,
    upstreams,
    receive: createReceiveBatch(arena, region, MAX_UDP_OCTETS),
    lingerMs: timeoutMs,
    exchange: createTcpExchange({ ...own, upstreams }),
    onAnswer: (attempt, upstream, start, end) => engine.receive(attempt, upstream, start, end),
    onPass: passes.end,
    onRead: passes.poll,
  });
  const engine: Engine = createEngine({
    capacity,
    arena,
    region,
    transport,
    timeoutMs,
    bounds: options.bounds,
    policy: options.policy,
    admission: options.admission,
    observer: options.observer,
    randomOctet: random.octet,
    drawSeed,
    ownProbe,
    nowMs,
    onLateAnswer: passes.end,
    onUnanswered: options.onUnanswered,
    probes: options.probes && { ...options.probes, upstreams, schedule },
  });
  return { engine, transport, arena, region };
}

interface Passes {
  begin(engine: Engine, listeners: Listeners, transport: UpstreamSockets): void;
  /**
   * What a pass has brought is settled and sent; a timer runs while lookups are under way, and none when none
   * are.
   */
  end(): void;
  /** The event loop has had so many datagrams read, and their pass has ended. */
  poll(count: number): void;
  stop(): void;
}

function createPasses(): Passes {
  let parts: { engine: Engine; listeners: Listeners; transport: UpstreamSockets } | undefined;
  let ticking: NodeJS.Timeout | undefined;
  const isWaiting = (): boolean => parts !== undefined && parts.engine.underWay() > 0;
  function end(): void {
    if (parts === undefined) return;
    parts.engine.endPass();
    parts.listeners.flush();
    parts.transport.flush();
    if (ticking === undefined && isWaiting()) ticking = setInterval(tick, TICK_MS);
  }
  const poll = createBusyPolling({
    readQueries: () => parts?.listeners.read() ?? 0,
    readAnswers: () => parts?.transport.read() ?? 0,
    isWaiting,
    nowMs,
  });
  function tick(): void {
    parts?.engine.tick();
    end();
    if (isWaiting()) return;
    clearInterval(ticking);
    ticking = undefined;
  }
  return {
    begin(engine, listeners, transport) {
      parts = { engine, listeners, transport };
    },
    end,
    poll,
    stop() {
      parts = undefined;
      clearInterval(ticking);
    },
  };
}

const nowMs = (): number => performance.now();

function schedule(delayMs: number, run: () => void): () => void {
  const timer = setTimeout(run, delayMs).unref();
  return () => clearTimeout(timer);
}
