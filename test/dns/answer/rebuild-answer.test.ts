import { expect, test } from "vitest";
import { prepare, questionOctetsOf, write } from "../support/clean.ts";
import { decode, renderRecords } from "../support/messages.ts";
import { encodePlainly, plainA, plainCname, u16, type PlainRecord } from "../support/plain-server.ts";
import { readRecords } from "../../fuzz/engine/plain-records.ts";

const NAME = "www.example.org";
const TARGET = "internal-balancer-1234567890.region-1.elb.cloud-provider-of-some-length.example.net";
const text = (value: string): Buffer => Buffer.concat([Buffer.of(value.length), Buffer.from(value)]);
const STRAY = plainA("mail.bank.example.com", "192.0.2.66");

const admit = (octets: Buffer, at: number): boolean => octets[at] !== 127;

/** What a client without EDNS gets of the records, one address taken out. */
function given(answers: readonly PlainRecord[], type = 1, compress = true): Buffer {
  const message = encodePlainly({ question: { name: NAME, type }, answers, compress });
  const questionOctets = questionOctetsOf(message);
  const prepared = prepare(message, { qtype: type, questionOctets, admit });
  if (prepared === undefined) throw new Error("malformed");
  return write(prepared, message, questionOctets);
}

test.each([10, 20, 100])(
  "an alias and %i addresses, one taken out, are 16 octets shorter than they were",
  (count) => {
    const good = Array.from({ length: count - 1 }, (_, i) => plainA(TARGET, `198.51.100.${i}`));
    const answers = [plainCname(NAME, TARGET), ...good, plainA(TARGET, "127.0.0.1")];
    const { length } = encodePlainly({ question: { name: NAME, type: 1 }, answers });
    expect(given(answers).length).toBe(length - 16);
  },
);

test("a record that nobody asked for, with the names that others pointed to, makes an answer shorter when it goes", () => {
  const stray: PlainRecord = { name: "a.example.net", type: 16, rdata: [text("x")] };
  const chain = [plainCname(NAME, "a.example.net"), plainCname("a.example.net", "b.example.net")];
  const answers = [stray, ...chain, plainA("b.example.net", "192.0.2.1")];
  const wanted = [...chain, plainA("b.example.net", "192.0.2.1")];
  expect(given(answers)).toHaveLength(
    encodePlainly({ question: { name: NAME, type: 1 }, answers: wanted }).length,
  );
  expect(renderRecords(decode(given(answers)).answers)).toEqual(
    renderRecords(decode(encodePlainly({ question: { name: NAME, type: 1 }, answers: wanted })).answers),
  );
});

test("an answer that came without compression is given compressed if it has to be written anew", () => {
  const answers = [STRAY, plainCname(NAME, TARGET), plainA(TARGET, "192.0.2.1"), plainA(TARGET, "192.0.2.2")];
  const plain = { question: { name: NAME, type: 1 }, answers: answers.slice(1) };
  expect(given(answers, 1, false)).toHaveLength(encodePlainly(plain).length);
});

const EXCHANGE = { name: "mail.bank.example.com" };
const OTHER = { name: "x.bank.example.com" };

/** Rdata of a type, and whether its names may be compressed by who writes it (RFC 3597 section 4). */
const TYPES: readonly [string, number, PlainRecord["rdata"], boolean][] = [
  ["NS", 2, [EXCHANGE], true],
  ["MD", 3, [EXCHANGE], true],
  ["MF", 4, [EXCHANGE], true],
  ["CNAME", 5, [EXCHANGE], true],
  ["SOA", 6, [EXCHANGE, OTHER, Buffer.alloc(20, 1)], true],
  ["MB", 7, [EXCHANGE], true],
  ["MG", 8, [EXCHANGE], true],
  ["MR", 9, [EXCHANGE], true],
  ["PTR", 12, [EXCHANGE], true],
  ["MINFO", 14, [EXCHANGE, OTHER], true],
  ["MX", 15, [u16(10), EXCHANGE], true],
  ["RP", 17, [EXCHANGE, OTHER], false],
  ["AFSDB", 18, [u16(1), EXCHANGE], false],
  ["RT", 21, [u16(1), EXCHANGE], false],
  ["NSAP-PTR", 23, [EXCHANGE], false],
  ["SIG", 24, [Buffer.alloc(18, 1), EXCHANGE, Buffer.alloc(5, 2)], false],
  ["PX", 26, [u16(1), EXCHANGE, OTHER], false],
  ["NXT", 30, [EXCHANGE, Buffer.alloc(3, 2)], false],
  ["SRV", 33, [u16(1), u16(2), u16(53), EXCHANGE], false],
  ["NAPTR", 35, [u16(1), u16(2), text("u"), text("E2U+sip"), text("!^.*$!sip:a@b!"), EXCHANGE], false],
  ["KX", 36, [u16(1), EXCHANGE], false],
  ["DNAME", 39, [EXCHANGE], false],
];

/** Types and rdata of a message's records, in hexadecimal. */
function read(message: Buffer): unknown {
  return readRecords(message)?.map(({ type, data }) => [type, data.toString("hex")]);
}

/** Two records, whose names point to the stray's in front of them and to each other. */
const twice = (type: number, rdata: PlainRecord["rdata"]): readonly PlainRecord[] =>
  [1, 2].map(() => ({ name: NAME, type, rdata }));

test.each(TYPES.filter(([, , , mayPoint]) => mayPoint))(
  "names in %s records are compressed again when what they pointed to goes",
  (_name, type, rdata) => {
    const records = twice(type, rdata);
    const wanted = encodePlainly({ question: { name: NAME, type }, answers: records });
    expect(given([STRAY, ...records], type).subarray(4)).toEqual(wanted.subarray(4));
  },
);

test.each(TYPES.filter(([, , , mayPoint]) => !mayPoint))(
  "names in %s records are written out when what they pointed to goes",
  (_name, type, rdata) => {
    const records = twice(type, rdata);
    const wanted = encodePlainly({ question: { name: NAME, type }, answers: records, compress: false });
    expect(read(given([STRAY, ...records], type))).toEqual(read(wanted));
  },
);

test("a record whose strings end behind it is left out", () => {
  const naptr: PlainRecord = { name: NAME, type: 35, rdata: [u16(1), u16(2), Buffer.of(200, 1), EXCHANGE] };
  expect(decode(given([STRAY, naptr], 35)).answers).toEqual([]);
});
