/**
 * The resolver's cache over the learned addresses: what it may leave out, and that no client hears of an
 * address that is not in force.
 */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { LearnedSetError } from "../../src/netfilter/errors.ts";
import { runToEnd } from "../../src/policy/steps.ts";
import { createFakeNetwork, type FakeNetwork } from "../dns/support/fake-network.ts";
import { a, answerTo, decode, nameOf } from "../dns/support/messages.ts";
import { type Bench, createBench, policy } from "./learned-bench.ts";

const NAMES = ["a.example", "b.example", "c.example"] as const;
/** The first two share one. */
const ADDRESSES: Readonly<Record<string, readonly string[]>> = {
  "a.example": ["198.51.100.1", "198.51.100.2"],
  "b.example": ["198.51.100.2"],
  "c.example": ["198.51.100.3"],
};

interface Resolving {
  readonly net: FakeNetwork;
  readonly bench: Bench;
  /** Addresses that the admission was asked to learn. */
  learned: number;
}

function create(): Resolving {
  const bench = createBench();
  const startMs = bench.nowMs;
  const made = {
    bench,
    learned: 0,
    net: createFakeNetwork({
      admission: {
        learn(...args) {
          made.learned += 1;
          bench.nowMs = startMs + made.net.nowMs;
          bench.learned.learn(...args);
        },
        commit: bench.learned.commit,
        epoch: bench.learned.epoch,
      },
    }),
  };
  return made;
}

/**
 * Asks for the names in one pass, and has the upstream answer what reaches it; returns addresses that clients
 * were given, with their TTL.
 */
function ask({ net }: Resolving, ...names: readonly string[]): readonly { address: unknown; ttl: number }[] {
  const known = net.sent.length;
  const client = net.askTogether(names.map((name) => ({ name })));
  for (const to of net.sent.slice(known)) {
    const asked = nameOf(to.message);
    const addresses = ADDRESSES[asked.toLowerCase()] ?? [];
    net.receive({
      to,
      message: answerTo(to.message, { answers: addresses.map((address) => a(asked, address)) }),
    });
  }
  return client.answers.flatMap((message) =>
    (decode(message).answers ?? []).map((record) =>
      record.type === "A" ? { address: record.data, ttl: record.ttl ?? 0 } : { address: undefined, ttl: 0 },
    ),
  );
}

test("an answer from the cache learns its addresses once a second, however often it is asked for", () => {
  const resolving = create();
  ask(resolving, "a.example");
  expect(resolving.learned).toBe(2);
  for (let i = 0; i < 20; i++) ask(resolving, "a.example", "a.example");
  expect(resolving.learned).toBe(4);
  resolving.net.advance(950);
  ask(resolving, "a.example");
  expect(resolving.learned).toBe(4);
  resolving.net.advance(50);
  ask(resolving, "a.example");
  expect(resolving.learned).toBe(6);
});

test("and at once when any address has gone", () => {
  const resolving = create();
  ask(resolving, "a.example");
  ask(resolving, "c.example");
  ask(resolving, "a.example");
  const before = resolving.learned;
  runToEnd(resolving.bench.learned.forget(policy("a.example", "b.example")));
  expect(ask(resolving, "a.example")).toHaveLength(2);
  expect(resolving.learned).toBe(before + 2);
});

test("and each time while the kernel refuses", () => {
  const resolving = create();
  resolving.bench.kernel.refuseKey = "198.51.100.3";
  for (let i = 0; i < 4; i++) expect(ask(resolving, "c.example")).toEqual([]);
  resolving.bench.kernel.refuseKey = undefined;
  expect(ask(resolving, "c.example")).toHaveLength(1);
  expect(resolving.bench.kernel.held().size).toBe(1);
});

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      verb: fc.constant("ask" as const),
      names: fc.array(fc.constantFrom(...NAMES), { maxLength: 5 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant("wait" as const), ms: fc.constantFrom(50, 900, 1000, 50_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ verb: fc.constant("forget" as const), names: fc.subarray([...NAMES]) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      verb: fc.constant("refuse" as const),
      key: fc.constantFrom("198.51.100.2", undefined),
    }),
  },
  { weight: 1, arbitrary: fc.record({ verb: fc.constant("lose" as const) }) },
);

test("whatever happens, an address that a client hears of is in force until after its TTL", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const resolving = create();
      const { net, bench } = resolving;
      const startMs = bench.nowMs;
      const short: unknown[] = [];
      for (const taken of steps) {
        bench.nowMs = startMs + net.nowMs;
        if (taken.verb === "wait") net.advance(taken.ms);
        else if (taken.verb === "forget") change(bench, taken.names);
        else if (taken.verb === "refuse") bench.kernel.refuseKey = taken.key;
        else if (taken.verb === "lose") loseAll(bench);
        else {
          for (const { address, ttl } of ask(resolving, ...taken.names)) {
            const untilMs = bench.kernel.held().get(String(address))?.untilMs ?? 0;
            if (untilMs < bench.nowMs + ttl * 1000) short.push({ address, ttl, untilMs });
          }
        }
      }
      expect(short).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

/** What the kernel refuses is no change. */
function change({ learned }: Bench, allowed: readonly string[]): void {
  try {
    runToEnd(learned.forget(policy(...allowed)));
  } catch (error) {
    if (!(error instanceof LearnedSetError)) throw error;
  }
}

/** The kernel's sets are gone, and the sidecar knows. */
function loseAll({ kernel, learned }: Bench): void {
  for (const { key } of learned.loseAll()) kernel.remove(key);
  kernel.refuseKey = undefined;
  kernel.commit();
}
