/**
 * The resolver's parts put together over an arena and a transport: everything between the bytes that come in
 * and the bytes that go out. It opens nothing and waits for nothing: `io/server.ts` gives it sockets, time
 * and passes.
 */
import type { Arena } from "../sys/arena.ts";
import type { Region } from "../sys/region.ts";
import { createAnswerCache } from "./answer/cache.ts";
import { createAnswerCleaner } from "./answer/clean-answer.ts";
import type { DnsCapacity } from "./capacity.ts";
import { createCounters, type Counters } from "./counters.ts";
import { createDelivery } from "./delivery/delivery.ts";
import { createForwarder } from "./upstream/forwarder.ts";
import { type BoundSettings, createLookupBounds } from "./bounds/lookup-bounds.ts";
import { createLookupEvents } from "./lookup-events.ts";
import { createLookupEnd } from "./lookup-end.ts";
import { QUESTION_ROOM } from "./upstream/lookups.ts";
import type { AddressAdmission, LookupObserver, LookupPolicy } from "./ports.ts";
import { createPreparedPool } from "./answer/prepared-answer.ts";
import { createFirstSilence } from "./upstream/first-silence.ts";
import { createProber, type ProbeSettings } from "./upstream/prober.ts";
import { createResolver, type Resolver } from "./resolver.ts";
import { createUpstreamHealth } from "./upstream/health.ts";
import type { UpstreamTransport } from "./upstream/transport.ts";
import { createWaiterTable, waiterTableSize } from "./delivery/waiters.ts";
import { createAnswerIndex } from "./wire/answer.ts";

/** What has happened since the start, and what is there now. */
export interface EngineStats extends Readonly<Counters> {
  readonly cacheEntries: number;
  /** Lookups that wait for an upstream, and clients that wait for them. */
  readonly underWay: number;
  readonly waiting: number;
}

export interface EngineOptions {
  readonly capacity: DnsCapacity;
  readonly arena: Arena;
  readonly region: Region;
  readonly transport: UpstreamTransport;
  readonly timeoutMs: number;
  readonly bounds: BoundSettings;
  readonly policy: LookupPolicy;
  readonly admission: AddressAdmission;
  readonly observer: LookupObserver;
  readonly randomOctet: () => number;
  /** 32 bits at random, for the hash of one table. */
  readonly drawSeed: () => number;
  readonly nowMs: () => number;
  /** A message without a question that is ours: it is answered, and counted nowhere. */
  readonly ownProbe: Buffer;
  /** An answer came in outside of a pass (over TCP): a pass has to be ended for it. */
  readonly onLateAnswer: () => void;
  /** Without them, upstreams are known by lookups alone. */
  readonly probes: ProbeSettings | undefined;
  /** Called once if lookups wait, and no upstream has ever answered. */
  readonly onUnanswered?: (() => void) | undefined;
}

export interface Engine extends Resolver {
  /** A datagram from an upstream, under the key of the attempt that it may answer. */
  receive(attempt: number, upstream: number, start: number, end: number): void;
  /** Tries again, and gives up if it is time. Call it every 50 ms or so while `underWay` is not 0. */
  tick(): void;
  /**
   * Settles all that this pass has brought. What was queued at the clients and the transport is to be flushed
   * after it.
   */
  endPass(): void;
  /** Forgets cached answers: the policy has changed. */
  clearCache(): void;
  /** Lookups that wait for an upstream. */
  underWay(): number;
  /** Whether the upstream of that index answers, as far as lookups and probes have shown. */
  isUpstreamAlive(upstream: number): boolean;
  /** Answers SERVFAIL to all that still wait, and probes no more. */
  abandon(): void;
  stats(): EngineStats;
}

/** Octets of arena that an engine takes. */
export function engineSize({
  maxWaiters,
  maxLookups,
}: Pick<DnsCapacity, "maxWaiters" | "maxLookups">): number {
  return waiterTableSize(maxWaiters) + maxLookups * (QUESTION_ROOM + 8) + QUESTION_ROOM + 8;
}

export function createEngine(options: EngineOptions): Engine {
  const { arena, region, capacity, nowMs } = options;
  const counters = createCounters();
  const pool = createPreparedPool();
  const index = createAnswerIndex();
  const cache = createAnswerCache(options.drawSeed(), capacity.cachedAnswers, capacity.cacheOctets);
  const waiters = createWaiterTable(arena, region, capacity.maxWaiters);
  const tell = createLookupEvents(options.observer);
  const delivery = createDelivery(arena, waiters, options.admission, tell, counters);
  const health = createUpstreamHealth(options.transport.count);
  const prober = options.probes && createProber({ ...options, ...options.probes, health });
  const firstSilence = createFirstSilence({
    nowMs,
    hasAnswered: () => counters.forwarded > forwarder.size() + counters.upstreamFailures,
    report: () => options.onUnanswered?.(),
  });
  const forwarder = createForwarder({
    ...options,
    capacity: capacity.maxLookups,
    health,
    index,
    clean: createAnswerCleaner(index),
    takePrepared: pool.take,
    counters,
    end: createLookupEnd({ ...options, tell, cache, delivery, counters }),
    onSilence(upstream, isTimeout) {
      firstSilence.note();
      if (prober) prober.suspect();
      else if (isTimeout) health.timedOut(upstream);
    },
  });
  const resolver = createResolver({
    ...options,
    bounds: createLookupBounds({
      ...options.bounds,
      parents: capacity.boundParents,
      names: capacity.boundNames,
      onMet: (met) => options.observer.limited(met),
      seed: options.drawSeed(),
    }),
    tell,
    cache,
    takePrepared: pool.take,
    waiters,
    delivery,
    forwarder,
    counters,
    groupSeed: options.drawSeed(),
  });
  return {
    ...resolver,
    receive(attempt, upstream, start, end) {
      if (prober?.receive(attempt, arena.octets, start, end) === true) {
        firstSilence.end();
        return;
      }
      forwarder.receive(attempt, upstream, arena.octets, start, end, nowMs());
    },
    tick: () => forwarder.tick(nowMs()),
    endPass() {
      delivery.settle();
      pool.reset();
    },
    clearCache: cache.clear,
    underWay: forwarder.size,
    isUpstreamAlive: health.isAlive,
    abandon() {
      prober?.close();
      forwarder.abandon();
    },
    stats: () => ({
      ...counters,
      cacheEntries: cache.size(),
      underWay: forwarder.size(),
      waiting: waiters.size(),
    }),
  };
}
