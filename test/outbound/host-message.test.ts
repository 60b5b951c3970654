import { encode, type Answer, type DecodedPacket } from "dns-packet";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RrType } from "../../src/dns/wire/constants.ts";
import { encodeHostQuery, readHostAnswer } from "../../src/outbound/host-message.ts";
import { nameOf } from "../support/policy.ts";

const QUERY = encodeHostQuery(nameOf("collector.example.net"), RrType.a, 4711);

function answerOf(answers: readonly Answer[], change: Partial<DecodedPacket> = {}): Buffer {
  return encode({
    type: "response",
    id: 4711,
    questions: [{ type: "A", name: "collector.example.net" }],
    answers: [...answers],
    ...change,
  });
}

const a = (owner: string, data: string, ttl = 60): Answer => ({ type: "A", name: owner, data, ttl });
const cname = (owner: string, data: string, ttl = 60): Answer => ({ type: "CNAME", name: owner, data, ttl });

describe("an answer gives", () => {
  test.each([
    {
      what: "the addresses of the host, and the lowest TTL",
      answers: [a("collector.example.net", "192.0.2.1", 50), a("collector.example.net", "192.0.2.2", 40)],
      is: { addresses: ["192.0.2.1", "192.0.2.2"], ttlSeconds: 40 },
    },
    {
      what: "those at the end of its aliases",
      answers: [
        a("two.example.net", "192.0.2.2"),
        cname("collector.example.net", "one.example.net"),
        cname("one.example.net", "TWO.example.net", 7),
      ],
      is: { addresses: ["192.0.2.2"], ttlSeconds: 7 },
    },
    {
      what: "none of another name",
      answers: [a("other.example.net", "192.0.2.1")],
      is: { addresses: [], ttlSeconds: 30 },
    },
    {
      what: "none that lead to this namespace or its link",
      answers: ["127.0.0.1", "169.254.169.254", "0.0.0.0", "224.0.0.1"].map((address) =>
        a("collector.example.net", address),
      ),
      is: { addresses: [], ttlSeconds: 30 },
    },
    {
      what: "none where aliases turn in a circle",
      answers: [
        cname("collector.example.net", "one.example.net"),
        cname("one.example.net", "collector.example.net"),
      ],
      is: { addresses: [], ttlSeconds: 30 },
    },
  ])("$what", ({ answers, is }) => {
    expect(readHostAnswer(answerOf(answers), QUERY)).toEqual(is);
  });
});

const REFUSED: readonly { readonly what: string; readonly change: Partial<DecodedPacket> }[] = [
  { what: "of another id", change: { id: 4712 } },
  { what: "to another question", change: { questions: [{ type: "A", name: "x.example.net" }] } },
  { what: "that is a query", change: { type: "query" } },
];

test.each(REFUSED)("a message $what is none", ({ change }) => {
  const message = answerOf([a("collector.example.net", "192.0.2.1")], change);
  expect(readHostAnswer(message, QUERY)).toBeUndefined();
});

test("one that is cut off says so", () => {
  expect(readHostAnswer(answerOf([], { flags: 0x200 }), QUERY)).toBe("truncated");
});

test("no octets are too strange", () => {
  const good = answerOf([
    cname("collector.example.net", "one.example.net"),
    a("one.example.net", "192.0.2.1"),
  ]);
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { maxLength: 8 }),
      fc.nat(good.length),
      (changes, length) => {
        const message = Buffer.from(good);
        for (const [at, octet] of changes) message[at] = octet;
        expect(() => readHostAnswer(message.subarray(0, length), QUERY)).not.toThrow();
      },
    ),
    { numRuns: 2000 },
  );
});

test.each([
  { what: "SERVFAIL", answers: [], flags: 0x80 | 2, is: "failed" },
  { what: "FORMERR, to be asked for without EDNS", answers: [], flags: 0x80 | 1, is: "refuses-edns" },
  { what: "nothing, by a server that does not recurse", answers: [], flags: 0, is: "failed" },
  { what: "a part of it", answers: [], flags: 0x200, is: "truncated" },
])("a message that says $what is no answer", ({ answers, flags, is }) => {
  expect(readHostAnswer(answerOf(answers, { flags }), QUERY)).toBe(is);
});
