import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type DecisionEvent, KINDS, LAYERS, OUTCOMES, REASONS } from "../../src/decisions/decision-event.ts";
import { type DecisionFilter, EVERYTHING } from "../../src/decisions/decision-filter.ts";
import { createDecisionRing, type DecisionRing } from "../../src/decisions/decision-ring.ts";
import { parsePrefix } from "../../src/policy/prefix.ts";
import { connectionOf, lookupOf } from "../support/decisions.ts";
import { nameOf, valueOf } from "../support/policy.ts";

function ringOf(capacity: number, events: readonly DecisionEvent[]): DecisionRing {
  const ring = createDecisionRing(capacity);
  for (const event of events) ring.record(event);
  return ring;
}

const prefix = (written: string) => valueOf(parsePrefix(written));

function namesIn(ring: DecisionRing, filter: Partial<DecisionFilter>): readonly (string | undefined)[] {
  const names: (string | undefined)[] = [];
  for (let number = ring.oldest(); number <= ring.newest(); number += 1) {
    if (ring.matches(number, { ...EVERYTHING, ...filter })) names.push(ring.read(number).name);
  }
  return names;
}

describe("the ring of decisions", () => {
  test("holds nothing before the first", () => {
    const ring = createDecisionRing(64);
    expect([ring.oldest(), ring.newest()]).toEqual([1, 0]);
  });

  test("keeps of an answer the first eight addresses, and how many there were", () => {
    const addresses = Array.from({ length: 11 }, (_, index) => `198.51.100.${index}`);
    const kept = ringOf(64, [lookupOf("a.example", { addresses })]).read(1);
    expect([kept.addresses.length, kept.addressCount]).toEqual([8, 11]);
  });

  test("keeps the beginning of a name that only escapes make so long", () => {
    const name = String.raw`\000`.repeat(250);
    expect(ringOf(64, [lookupOf(name)]).read(1).name).toBe(name.slice(0, 255));
  });

  const text = fc.string({ unit: fc.constantFrom("a", "b", ".", "-"), maxLength: 255 });
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV6().filter((ip) => !ip.includes(".")),
  );
  const sameFamily = fc.oneof(
    fc.array(fc.ipV4(), { maxLength: 8 }),
    fc.array(
      fc.ipV6().filter((ip) => !ip.includes(".")),
      { maxLength: 8 },
    ),
  );
  const someLookup = fc.record({
    name: text,
    decision: fc.constantFrom(...OUTCOMES),
    qtype: fc.nat(65_535),
    rcode: fc.nat(4095),
    upstream: fc.option(fc.nat(9), { nil: undefined }),
    layer: fc.constantFrom(...LAYERS),
    rule: fc.option(text, { nil: undefined }),
    reason: fc.option(fc.constantFrom(...REASONS), { nil: undefined }),
    addresses: sameFamily,
  });
  const someEvent = fc.oneof(
    someLookup.map(({ name, ...given }) => lookupOf(name, given)),
    fc
      .record({ address, port: fc.option(fc.nat(65_535), { nil: undefined }), protocol: fc.nat(255) })
      .map(({ address: to, ...given }) => connectionOf(to, given)),
  );

  test("gives back what it was told last, whatever came before", () => {
    fc.assert(
      fc.property(fc.array(someEvent, { maxLength: 40 }), (events) => {
        const ring = ringOf(16, events);
        expect(ring.newest()).toBe(events.length);
        for (let number = ring.oldest(); number <= ring.newest(); number += 1) {
          const { forEachAddress, qname: _name, ...wanted } = events[number - 1] ?? lookupOf("");
          const { addresses, addressCount, number: own, ...kept } = ring.read(number);
          const given: string[] = [];
          forEachAddress((octets, at, length) => {
            given.push(Buffer.from(octets.subarray(at, at + length)).toString("hex"));
          });
          expect(kept).toEqual({ ...wanted, durationMs: 0 });
          expect(addresses.map((octets) => Buffer.from(octets).toString("hex"))).toEqual(given);
          expect([own, addressCount]).toEqual([number, given.length]);
        }
        expect(ring.newest() - ring.oldest() + 1).toBe(Math.min(events.length, 16));
      }),
    );
  });
});

describe("a filter of decisions", () => {
  const ring = ringOf(64, [
    lookupOf("api.example.com", { decision: "denied" }),
    lookupOf("www.example.org", { addresses: ["198.51.100.7", "198.51.100.8"] }),
    lookupOf("example.org", { decision: "nxdomain", addresses: [] }),
    lookupOf("deep.www.example.org", { addresses: ["2001:db8::7"] }),
    connectionOf("198.51.100.8", { name: "www.example.org" }),
    connectionOf("203.0.113.1"),
  ]);

  test.each<[string, Partial<DecisionFilter>, readonly (string | undefined)[]]>([
    [
      "of outcomes",
      { decisions: ["denied", "nxdomain"] },
      ["api.example.com", "example.org", "www.example.org", undefined],
    ],
    ["of a kind", { kind: KINDS[1] }, ["www.example.org", undefined]],
    ["of a name", { name: { exact: nameOf("www.example.org") } }, ["www.example.org", "www.example.org"]],
    [
      "of the names below one",
      { name: { base: nameOf("example.org") } },
      ["www.example.org", "deep.www.example.org", "www.example.org"],
    ],
    ["of an address", { prefix: prefix("198.51.100.8") }, ["www.example.org", "www.example.org"]],
    ["of a prefix", { prefix: prefix("2001:db8::/63") }, ["deep.www.example.org"]],
    ["of a prefix within an octet", { prefix: prefix("203.0.112.0/23") }, [undefined]],
    ["of several at once", { kind: "connection", prefix: prefix("198.51.100.0/24") }, ["www.example.org"]],
  ])("%s lets those through that match", (_what, filter, names) => {
    expect(namesIn(ring, filter)).toEqual(names);
  });

  test("of every address of one family takes none of the other", () => {
    expect(namesIn(ring, { prefix: prefix("::/0") })).toEqual(["deep.www.example.org"]);
  });
});
