/**
 * What a lookup leaves for V8 to collect, once V8 has compiled its way: hardly more than the text of its
 * name.
 */
import { getHeapStatistics } from "node:v8";
import { expect, test } from "vitest";
import { DEFAULT_DNS_CAPACITY } from "../../src/dns/capacity.ts";
import { createEngine, engineSize } from "../../src/dns/engine.ts";
import type { UpstreamTransport } from "../../src/dns/upstream/transport.ts";
import type { Client } from "../../src/dns/delivery/waiters.ts";
import type { Decision } from "../../src/policy/decision.ts";
import { createArena } from "../../src/sys/arena.ts";
import { createRegion } from "../../src/sys/region.ts";
import { ALLOW, DENY } from "./support/fake-network.ts";
import { encodeQuery } from "./support/messages.ts";

/** Lookups of one pass, of one measurement, and measurements until V8 must have compiled everything. */
const PASS = 16;
const LOOKUPS = 8192;
const ROUNDS = 40;
/** The text of a name takes 40. */
const MOST_OCTETS = 100;
const CAPACITY = { ...DEFAULT_DNS_CAPACITY, maxWaiters: 128, maxLookups: 128 };
const SLOT = 512;
const HEADER = 12;
const DIGITS = 8;
/** A pointer to the question's name, A, IN, 60 s, 198.51.100.7. */
const RECORD = [0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 198, 51, 100, 7];

test.each([
  { what: "is forwarded", decision: ALLOW, names: 2 ** 32, sent: LOOKUPS },
  { what: "is answered from the cache", decision: ALLOW, names: PASS, sent: 0 },
  { what: "is denied", decision: DENY, names: 2 ** 32, sent: 0 },
])(
  "a lookup that $what leaves little to collect",
  async ({ decision, names, sent }) => {
    const bench = createBench(decision, names);
    bench.pass();
    let least = Infinity;
    for (let round = 0; round < ROUNDS && least >= MOST_OCTETS; round++) {
      const before = bench.counts();
      const allocated = countAllocated();
      for (let i = 0; i < LOOKUPS; i += PASS) bench.pass();
      least = Math.min(least, (countAllocated() - allocated) / LOOKUPS);
      const after = bench.counts();
      expect([after.answers - before.answers, after.queries - before.queries]).toEqual([LOOKUPS, sent]);
      // V8 compiles on other threads, and takes what they have made in between.
      await new Promise(setImmediate);
    }
    expect(least).toBeLessThan(MOST_OCTETS);
  },
  30_000,
);

function countAllocated(): number {
  const statistics: Readonly<Record<string, number>> = { ...getHeapStatistics() };
  const octets = statistics["total_allocated_bytes"];
  if (octets === undefined) throw new Error("this Node does not count what is allocated");
  return octets;
}

interface Bench {
  /** Clients ask, and the upstream answers what it is asked. */
  pass(): void;
  counts(): { readonly answers: number; readonly queries: number };
}

/**
 * As lean as can be: what is allocated is the engine's. Names are numbers below `names`, one after the other.
 */
function createBench(decision: Decision, names: number): Bench {
  const size = engineSize(CAPACITY) + (2 * PASS + 2) * SLOT;
  const arena = createArena(size);
  const region = createRegion(0, size);
  const { octets } = arena;
  const asked = region.take(PASS * SLOT);
  const sent = region.take(PASS * SLOT);
  const room = region.take(SLOT);
  const query = encodeQuery({ name: `${"0".repeat(DIGITS)}.example.org` });
  let queued = 0;
  let ids = 0;
  let number = 0;
  let answers = 0;
  let queries = 0;
  const transport: UpstreamTransport = {
    count: 1,
    draw: () => 0x1_0000 + (ids++ & 0xffff),
    reserve: () => sent + SLOT * queued,
    send: () => void (queued += 1),
    flush: () => undefined,
    exchange: async () => Promise.resolve(undefined),
  };
  const client: Client = { isStream: false, reserve: () => room, send: () => void (answers += 1) };
  const engine = createEngine({
    ownProbe: Buffer.from("our own probe"),
    capacity: CAPACITY,
    arena,
    region,
    transport,
    timeoutMs: 5000,
    bounds: { namesPerMinute: 0, lookupsPerMinute: 0 },
    policy: { decide: () => decision, allowsBelow: () => false, admitsAddress: () => true },
    admission: { learn: () => undefined, commit: () => true, epoch: () => 0 },
    observer: {
      lookedUp: () => undefined,
      limited: () => undefined,
      forwarded: () => undefined,
    },
    randomOctet: () => 0x20,
    drawSeed: () => 0,
    nowMs: () => 1000,
    onLateAnswer: () => undefined,
    probes: undefined,
  });

  function ask(at: number): void {
    query.copy(octets, at);
    let rest = number++ % names;
    for (let digit = DIGITS; digit > 0; digit--, rest >>>= 4)
      octets[at + HEADER + digit] = 0x61 + (rest & 15);
    engine.handle(at, at + query.length, client, 0, 0, 1000);
  }

  /** Over the query itself: its id and question with one record. */
  function answer(at: number): void {
    octets[at + 2] = (octets[at + 2] ?? 0) | 0x80;
    octets[at + 7] = 1;
    octets[at + 11] = 0;
    for (let i = 0; i < RECORD.length; i++) octets[at + query.length + i] = RECORD[i] ?? 0;
    const attempt = 0x1_0000 + octets.readUInt16BE(at);
    engine.receive(attempt, 0, at, at + query.length + RECORD.length);
  }

  return {
    pass() {
      for (let i = 0; i < PASS; i++) ask(asked + SLOT * i);
      engine.endPass();
      for (let i = 0; i < queued; i++) answer(sent + SLOT * i);
      queries += queued;
      queued = 0;
      engine.endPass();
    },
    counts: () => ({ answers, queries }),
  };
}
