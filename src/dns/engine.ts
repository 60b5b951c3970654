/**
 * The resolver's parts put together over an arena and a transport: everything between the bytes that come in and the bytes that go
 * out. It opens nothing and waits for nothing: `io/server.ts` gives it sockets, time and passes.
 */
import type { Arena } from "../sys/arena.ts";
import type { Region } from "../sys/datagrams.ts";
import { createAnswerCache } from "./cache.ts";
import { createAnswerCleaner } from "./clean-answer.ts";
import { createCounters } from "./counters.ts";
import { createDelivery } from "./delivery.ts";
import { createForwarder } from "./forwarder.ts";
import { createLookupEnd } from "./lookup-end.ts";
import { QUESTION_ROOM } from "./lookups.ts";
import type { AddressAdmission, LookupObserver, LookupPolicy } from "./ports.ts";
import { createPreparedPool } from "./prepared-answer.ts";
import { createResolver, type Resolver } from "./resolver.ts";
import { createUpstreamHealth } from "./upstream-health.ts";
import type { UpstreamTransport } from "./upstream-transport.ts";
import { createWaiterTable, waiterTableSize } from "./waiters.ts";
import { createAnswerIndex } from "./wire/answer.ts";

export interface EngineLimits {
  readonly maxWaiters: number;
  readonly maxLookups: number;
}

export interface EngineOptions extends EngineLimits {
  readonly arena: Arena;
  readonly region: Region;
  readonly transport: UpstreamTransport;
  readonly timeoutMs: number;
  readonly policy: LookupPolicy;
  readonly admission: AddressAdmission;
  readonly observer: LookupObserver;
  readonly randomOctet: () => number;
  readonly now: () => number;
  /** An answer came in outside of a pass (over TCP): a pass has to be ended for it. */
  readonly onLateAnswer: () => void;
}

export interface Engine extends Resolver {
  /** A datagram from an upstream, under the key of the attempt that it may answer. */
  receive(attempt: number, upstream: number, start: number, end: number): void;
  /** Tries again and gives up where it is time. Call it every 50 ms or so while `underWay` is not 0. */
  tick(): void;
  /** Settles all that this pass has brought. What was queued at the clients and the transport is to be flushed after it. */
  endPass(): void;
  /** Forgets cached answers: the policy has changed. */
  clearCache(): void;
  /** Lookups that wait for an upstream. */
  readonly underWay: number;
}

/** Octets of arena that an engine takes. */
export function engineSize({ maxWaiters, maxLookups }: EngineLimits): number {
  return waiterTableSize(maxWaiters) + maxLookups * (QUESTION_ROOM + 8);
}

export function createEngine(options: EngineOptions): Engine {
  const { arena, region, now } = options;
  const counters = createCounters();
  const pool = createPreparedPool();
  const index = createAnswerIndex();
  const cache = createAnswerCache();
  const waiters = createWaiterTable(arena, region, options.maxWaiters);
  const delivery = createDelivery(arena, waiters, options.admission, options.observer);
  const forwarder = createForwarder({
    ...options,
    capacity: options.maxLookups,
    health: createUpstreamHealth(options.transport.count),
    index,
    clean: createAnswerCleaner(index),
    takePrepared: pool.take,
    counters,
    end: createLookupEnd({ ...options, cache, delivery }),
  });
  const resolver = createResolver({ ...options, cache, waiters, delivery, forwarder });
  return {
    ...resolver,
    receive: (attempt, upstream, start, end) =>
      forwarder.receive(attempt, upstream, arena.octets, start, end, now()),
    tick: () => forwarder.tick(now()),
    endPass() {
      delivery.settle();
      pool.reset();
    },
    clearCache: cache.clear,
    get underWay() {
      return forwarder.size;
    },
  };
}
