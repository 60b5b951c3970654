import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createAnswerCache, NOT_CACHED, type AnswerCache } from "../../../src/dns/answer/cache.ts";
import { createPreparedAnswer, type PreparedAnswer } from "../../../src/dns/answer/prepared-answer.ts";
import { qname } from "../../support/policy.ts";
import { at, createFakeNetwork, DENY, ALLOW } from "../support/fake-network.ts";
import { a, answerTo, decode, nameOf } from "../support/messages.ts";
import { good, NAME, rcodes } from "../support/replies.ts";

const SEED = 4711;
const OCTETS = 1 << 20;

function answer(ttlSeconds: number, octets = 10): PreparedAnswer {
  return {
    ...createPreparedAnswer(),
    ttlSeconds,
    octets: Buffer.alloc(octets + 20),
    bodyStart: 10,
    bodyEnd: 10 + octets,
  };
}

const ADDRESSES = 8;

function holds(cache: AnswerCache, text: string, kind = ADDRESSES): boolean {
  return cache.find(qname(text), kind, 0) !== NOT_CACHED;
}

function store(cache: AnswerCache, text: string, given: PreparedAnswer, nowMs = 0): void {
  cache.store(qname(text), ADDRESSES, given, nowMs);
}

function readBody(cache: AnswerCache, text: string, kind = ADDRESSES): Buffer {
  const into = createPreparedAnswer();
  cache.read(cache.find(qname(text), kind, 0), into);
  return Buffer.from(into.octets.subarray(into.bodyStart, into.bodyEnd));
}

describe("an answer is kept", () => {
  test.each([
    [0, 0, false],
    [1, 0, false],
    [2, 999, true],
    [2, 1000, false],
    [60, 58_999, true],
    [60, 59_000, false],
  ])("with a TTL of %i s, %i ms later: %s", (ttlSeconds, laterMs, isThere) => {
    const cache = createAnswerCache(SEED, 8192, OCTETS);
    store(cache, "key", answer(ttlSeconds), 5000);
    expect(cache.find(qname("key"), ADDRESSES, 5000 + laterMs) !== NOT_CACHED).toBe(isThere);
    expect(cache.size()).toBe(isThere ? 1 : 0);
  });

  test("as a copy of its own", () => {
    const cache = createAnswerCache(SEED, 8192, OCTETS);
    const given = answer(60);
    store(cache, "key", given);
    given.octets.fill(0xff);
    expect(readBody(cache, "key")).toEqual(Buffer.alloc(10));
  });
});

test("each answer that is kept has a serial number of its own, also one that takes another's place", () => {
  const cache = createAnswerCache(SEED, 2, OCTETS);
  const serials = ["a", "b", "a", "c"].map((text) => {
    store(cache, text, answer(60));
    const into = createPreparedAnswer();
    cache.read(cache.find(qname(text), ADDRESSES, 0), into);
    return into.serial;
  });
  expect(serials).not.toContain(0);
  expect(new Set(serials).size).toBe(4);
});

describe("what is read", () => {
  test("is what was stored, whatever was stored before and after, as long as it is there", () => {
    const entry = fc.record({
      text: fc.constantFrom("a", "bb", "ccc", "d"),
      kind: fc.constantFrom(ADDRESSES, ADDRESSES + 1, 0x7_ffff),
      body: fc.uint8Array({ maxLength: 120 }),
      ttlAt: fc.array(fc.nat(0xffff), { maxLength: 5 }),
      addressAt: fc.array(fc.nat(0xffff), { maxLength: 5 }),
      facts: fc.record({
        rcode: fc.nat(4095),
        isAuthentic: fc.boolean(),
        ede: fc.integer({ min: -1, max: 30 }),
        answerCount: fc.nat(300),
        authorityCount: fc.nat(300),
        ttlSeconds: fc.integer({ min: 2, max: 300 }),
        addressOctets: fc.constantFrom(4 as const, 16 as const),
      }),
    });
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 60 }), fc.integer({ min: 200, max: 700 }), (list, room) => {
        const cache = createAnswerCache(SEED, 4, room);
        let model: (typeof list)[number][] = [];
        for (const wanted of list) {
          const given = createPreparedAnswer();
          Object.assign(given, wanted.facts);
          given.octets = Buffer.from([9, 9, ...wanted.body, 9]);
          given.bodyStart = 2;
          given.bodyEnd = 2 + wanted.body.length;
          given.ttlAt.set(wanted.ttlAt);
          given.ttlCount = wanted.ttlAt.length;
          given.addressAt.set(wanted.addressAt);
          given.addressCount = wanted.addressAt.length;
          cache.store(qname(wanted.text), wanted.kind, given, 0);
          model = [
            ...model.filter(({ text, kind }) => text !== wanted.text || kind !== wanted.kind),
            wanted,
          ].filter(({ text, kind }) => holds(cache, text, kind));
          // There is room for the largest entry of all.
          expect(model).toContain(wanted);
          for (const { text, kind, facts, body, ttlAt, addressAt } of model) {
            const into = createPreparedAnswer();
            cache.read(cache.find(qname(text), kind, 0), into);
            expect(into).toMatchObject(facts);
            expect(readBody(cache, text, kind)).toEqual(Buffer.from(body));
            expect([...into.ttlAt.subarray(0, into.ttlCount)]).toEqual(ttlAt);
            expect([...into.addressAt.subarray(0, into.addressCount)]).toEqual(addressAt);
          }
          expect(cache.size()).toBe(model.length);
        }
      }),
    );
  });
});

describe("a full cache lets the oldest go", () => {
  test("by entries", () => {
    const cache = createAnswerCache(SEED, 3, OCTETS);
    for (const key of ["a", "b", "c", "b", "d"]) store(cache, key, answer(60));
    expect(["a", "b", "c", "d"].filter((key) => holds(cache, key))).toEqual(["b", "c", "d"]);
    store(cache, "e", answer(60));
    expect(holds(cache, "c")).toBe(false);
  });
  test("by octets, what an entry costs beside them included", () => {
    const cache = createAnswerCache(SEED, 100, 5000);
    for (let i = 0; i < 50; i++) store(cache, `key-${i}`, answer(60, 900));
    expect(cache.size()).toBe(5);
    expect(holds(cache, "key-44")).toBe(false);
    expect(holds(cache, "key-45")).toBe(true);
  });
  test("and one that has no room at all is not kept", () => {
    const cache = createAnswerCache(SEED, 100, 500);
    store(cache, "key", answer(60, 600));
    expect(cache.size()).toBe(0);
  });
});

describe("a question that memory can answer", () => {
  test("is not asked again, and its TTL counts down (RFC 1035 section 3.2.1, RFC 2308 section 5)", () => {
    const net = createFakeNetwork();
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    net.advance(10_500);
    const client = net.ask({ name: NAME.toUpperCase(), id: 9 });
    expect(net.sent).toHaveLength(1);
    expect(decode(at(client.answers, 0))).toMatchObject({ id: 9, answers: [{ ttl: 50 }] });
    net.advance(49_000);
    net.ask({ name: NAME });
    expect(net.sent).toHaveLength(2);
  });

  test("is judged by the policy first, the name and each address", () => {
    let decision = ALLOW;
    let refused = -1;
    const net = createFakeNetwork({
      policy: { decide: () => decision, admitsAddress: (octets, offset) => octets[offset + 3] !== refused },
    });
    net.ask({ name: NAME });
    const query = at(net.sent, 0);
    const records = [1, 2].map((last) => a(nameOf(query.message), `198.51.100.${last}`));
    net.receive({ to: query, message: answerTo(query.message, { answers: records }) });
    decision = DENY;
    expect(rcodes(net.ask({ name: NAME }).answers)).toEqual(["NXDOMAIN"]);
    decision = ALLOW;
    refused = 2;
    expect(net.ask({ name: NAME }).answers).toEqual([]);
    expect(net.sent).toHaveLength(2);
  });

  test("has its addresses admitted by the kernel again", () => {
    let isWilling = true;
    const net = createFakeNetwork({ admission: { commit: () => isWilling } });
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    isWilling = false;
    expect(rcodes(net.ask({ name: NAME }).answers)).toEqual(["SERVFAIL"]);
  });

  test("is asked again once the policy has changed", () => {
    const net = createFakeNetwork();
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    net.engine.clearCache();
    net.ask({ name: NAME });
    expect(net.sent).toHaveLength(2);
  });
});
