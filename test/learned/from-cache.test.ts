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

const NAMES: readonly string[] = ["a.example", "b.example", "c.example"];
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

interface Given {
  readonly name: string;
  readonly address: string;
  readonly ttl: number;
}

/**
 * Asks for the names in one pass, and has the upstream answer what reaches it; returns addresses that clients
 * were given, with their TTL.
 */
function ask({ net }: Resolving, ...names: readonly string[]): readonly Given[] {
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
    (decode(message).answers ?? []).flatMap((record) =>
      record.type === "A"
        ? [{ name: record.name.toLowerCase(), address: record.data, ttl: record.ttl ?? 0 }]
        : [],
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
      names: fc.array(fc.constantFrom(...NAMES), { maxLength: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ verb: fc.constant("wait" as const), ms: fc.constantFrom(50, 1000, 45_000) }),
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
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("lose" as const) }) },
  { weight: 2, arbitrary: fc.record({ verb: fc.constant("load" as const) }) },
);

test("whatever happens, an address that a client hears of is in force until after its TTL, but for while the sets are gone", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const resolving = create();
      const { net, bench } = resolving;
      const startMs = bench.nowMs;
      /** By name and address: until when clients may use it. */
      const given = new Map<string, Given & { readonly endMs: number }>();
      const short: unknown[] = [];
      for (const taken of steps) {
        bench.nowMs = startMs + net.nowMs;
        if (taken.verb === "wait") net.advance(taken.ms);
        else if (taken.verb === "refuse") bench.kernel.refuseKey = taken.key;
        else if (taken.verb === "lose") bench.kernel.areGone = true;
        else if (taken.verb === "load") load(bench);
        else if (taken.verb === "forget") {
          change(bench, taken.names);
          for (const [key, { name }] of given) if (!taken.names.includes(name)) given.delete(key);
        } else {
          for (const one of ask(resolving, ...taken.names))
            given.set(`${one.name} ${one.address}`, { ...one, endMs: bench.nowMs + one.ttl * 1000 });
        }
        const nowMs = (bench.nowMs = startMs + net.nowMs);
        const held = bench.kernel.held();
        for (const { address, endMs } of bench.kernel.areGone ? [] : given.values())
          if (nowMs < endMs && (held.get(address)?.untilMs ?? 0) < endMs) short.push({ address, endMs });
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

/** The sets are there again, with all that they should hold. */
function load({ kernel, learned }: Bench): void {
  Object.assign(kernel, { areGone: false, refuseKey: undefined });
  learned.reconcile();
}
