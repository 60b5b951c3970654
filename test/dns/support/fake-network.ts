/**
 * The engine on a network and a clock that the test holds: datagrams go into lists, time passes when told.
 */
import { DEFAULT_DNS_CAPACITY, type DnsCapacity } from "../../../src/dns/capacity.ts";
import { createEngine, engineSize, type Engine, type EngineOptions } from "../../../src/dns/engine.ts";
import type {
  AddressAdmission,
  LookupEvent,
  LookupObserver,
  LookupOutcome,
  LookupPolicy,
} from "../../../src/dns/ports.ts";
import type { UpstreamTransport } from "../../../src/dns/upstream/transport.ts";
import type { Client } from "../../../src/dns/delivery/waiters.ts";
import type { Decision } from "../../../src/policy/decision.ts";
import { createArena } from "../../../src/sys/arena.ts";
import { createRegion } from "../../../src/sys/region.ts";
import { encodeQuery, type QueryText } from "./messages.ts";

export interface SentQuery {
  readonly upstream: number;
  readonly attempt: number;
  readonly message: Buffer;
}
interface TcpQuery extends SentQuery {
  readonly timeoutMs: number;
  readonly isWanted: () => boolean;
  /** Ends the exchange; settles when the engine has heard of it. */
  answer(message: Buffer | undefined): Promise<void>;
}
interface FakeClient extends Client {
  readonly answers: Buffer[];
}

/** A copy of an event, which is good during the call only. */
export interface SeenLookup extends Omit<LookupEvent, "forEachAddress" | "forFirstWithheld"> {
  readonly addresses: readonly string[];
  /** Only where there is one. */
  readonly withheld?: string;
}

export interface FakeNetworkOptions {
  readonly upstreams?: number;
  readonly timeoutMs?: number;
  readonly maxWaiters?: number;
  readonly maxLookups?: number;
  /** Instead of these two. */
  readonly capacity?: DnsCapacity;
  readonly randomOctet?: () => number;
  readonly policy?: Partial<LookupPolicy>;
  readonly admission?: Partial<AddressAdmission>;
  readonly probes?: EngineOptions["probes"];
  readonly bounds?: EngineOptions["bounds"];
}

export const ALLOW: Decision = { action: "allow", layer: "user", rule: undefined };
export const DENY: Decision = { action: "deny", layer: "user", rule: undefined };

export interface FakeNetwork {
  readonly engine: Engine;
  /** What went to the upstreams over UDP, oldest first. */
  readonly sent: SentQuery[];
  readonly tcp: TcpQuery[];
  /** Upstreams that no socket can be had for. */
  readonly unreachable: Set<number>;
  /** `denied example.org`, `answered example.org`, `failed example.org kernel`: what the observer heard. */
  readonly events: string[];
  /** All that it was told of lookups, with their addresses in hexadecimal. */
  readonly lookups: SeenLookup[];
  client(isStream?: boolean): FakeClient;
  /** A client asks, in a pass of its own; returns the client. */
  ask(query: QueryText | Buffer, client?: FakeClient): FakeClient;
  /** Several ask in one pass. */
  askTogether(queries: readonly (QueryText | Buffer)[], client?: FakeClient): FakeClient;
  /** An upstream's datagrams come in, in one pass. */
  receive(
    ...datagrams: readonly { readonly to: SentQuery; readonly message: Buffer; readonly from?: number }[]
  ): void;
  /** Lets time pass, 50 ms a tick. */
  advance(ms: number): void;
  readonly nowMs: number;
}

/** No query that any resolver takes. */
export const OWN_PROBE = Buffer.from("our own probe");

const SLOT = 4096;
const SLOTS = 64;

export function createFakeNetwork(options: FakeNetworkOptions = {}): FakeNetwork {
  const { maxWaiters = 128, maxLookups = 32 } = options;
  const capacity = options.capacity ?? { ...DEFAULT_DNS_CAPACITY, maxWaiters, maxLookups };
  const size = engineSize(capacity) + (2 * SLOTS + 8) * SLOT + 70_000;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const slots = region.take(SLOTS * SLOT);
  const upstreamSlots = region.take(SLOTS * SLOT);
  const queryRoom = region.take(SLOT);
  const answerRoom = region.take(66_000);
  const sent: SentQuery[] = [];
  const tcp: TcpQuery[] = [];
  const unreachable = new Set<number>();
  const events: string[] = [];
  const lookups: SeenLookup[] = [];
  let nowMs = 1000;
  let ids = 100;
  let drawn = { upstream: 0, attempt: 0 };

  const transport: UpstreamTransport = {
    count: options.upstreams ?? 1,
    draw(upstream, isTaken) {
      if (unreachable.has(upstream)) return -1;
      do ids += 1;
      while (isTaken((upstream + 1) * 0x1_0000 + ids));
      drawn = { upstream, attempt: (upstream + 1) * 0x1_0000 + ids };
      return drawn.attempt;
    },
    reserve: () => queryRoom,
    send(offset, length) {
      sent.push({ ...drawn, message: Buffer.from(arena.octets.subarray(offset, offset + length)) });
    },
    flush: () => undefined,
    exchange({ upstream, query, timeoutMs, isWanted }) {
      const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
      tcp.push({
        upstream,
        attempt: -1,
        message: Buffer.from(query),
        timeoutMs,
        isWanted,
        async answer(message) {
          resolve(message);
          await promise;
          await Promise.resolve();
        },
      });
      return promise;
    },
  };
  const observer: LookupObserver = {
    lookedUp(event) {
      lookups.push(copyEvent(event));
      const { text, outcome } = event;
      if (outcome === "own" || outcome === "limited") return;
      if (NOT_FAILED.has(outcome)) events.push(`${outcome === "denied" ? "denied" : "answered"} ${text}`);
      else events.push(`failed ${text} ${outcome}`);
    },
    limited: ({ parent, bound }) => void events.push(`limited ${parent} ${bound}`),
    forwarded: () => undefined,
  };
  const engine = createEngine({
    ownProbe: OWN_PROBE,
    capacity,
    arena,
    region,
    transport,
    timeoutMs: options.timeoutMs ?? 5000,
    bounds: options.bounds ?? { namesPerMinute: 0, lookupsPerMinute: 0 },
    policy: { decide: () => ALLOW, allowsBelow: () => false, admitsAddress: () => true, ...options.policy },
    admission: { learn: () => undefined, commit: () => true, epoch: () => 0, ...options.admission },
    observer,
    randomOctet: options.randomOctet ?? (() => 0),
    drawSeed: () => 0,
    nowMs: () => nowMs,
    onLateAnswer: () => engine.endPass(),
    probes: options.probes,
  });

  function client(isStream = false): FakeClient {
    const answers: Buffer[] = [];
    return {
      answers,
      isStream,
      reserve: () => answerRoom,
      send: (start, length) => void answers.push(Buffer.from(arena.octets.subarray(start, start + length))),
    };
  }
  function askTogether(queries: readonly (QueryText | Buffer)[], asker = client()): FakeClient {
    for (const [index, query] of queries.entries()) {
      const message = Buffer.isBuffer(query) ? query : encodeQuery(query);
      const start = slots + index * SLOT;
      message.copy(arena.octets, start);
      engine.handle(start, start + message.length, asker, 0, 0, nowMs);
    }
    engine.endPass();
    // What has been handled may be overwritten by what comes next.
    arena.octets.fill(0xee, slots, slots + SLOTS * SLOT);
    return asker;
  }

  return {
    engine,
    sent,
    tcp,
    unreachable,
    events,
    lookups,
    client,
    ask: (query, asker) => askTogether([query], asker),
    askTogether,
    receive(...datagrams) {
      for (const [index, { to, message, from }] of datagrams.entries()) {
        const start = upstreamSlots + index * SLOT;
        message.copy(arena.octets, start);
        engine.receive(to.attempt, from ?? to.upstream, start, start + message.length);
      }
      engine.endPass();
      arena.octets.fill(0xee, upstreamSlots, upstreamSlots + SLOTS * SLOT);
    },
    advance(ms) {
      for (const end = nowMs + ms; nowMs < end;) {
        nowMs = Math.min(nowMs + 50, end);
        engine.tick();
        engine.endPass();
      }
    },
    get nowMs() {
      return nowMs;
    },
  };
}

const NOT_FAILED: ReadonlySet<LookupOutcome> = new Set([
  "denied",
  "answered",
  "nodata",
  "withheld",
  "nxdomain",
]);

function copyEvent({ forEachAddress, forFirstWithheld, ...facts }: LookupEvent): SeenLookup {
  const addresses: string[] = [];
  forEachAddress((octets, start, length) => addresses.push(hexOf(octets, start, length)));
  let withheld: string | undefined;
  forFirstWithheld((octets, start, length) => (withheld = hexOf(octets, start, length)));
  return { ...facts, addresses, ...(withheld === undefined ? {} : { withheld }) };
}

function hexOf(octets: Uint8Array, start: number, length: number): string {
  return Buffer.from(octets.subarray(start, start + length)).toString("hex");
}

/** The entry of a list that must be there. */
export function at<T>(list: readonly T[], index: number): T {
  const item = list.at(index);
  if (item === undefined) throw new Error(`nothing at ${index} of ${list.length}`);
  return item;
}
