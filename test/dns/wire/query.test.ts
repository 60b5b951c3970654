import { Packet } from "dns2";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createQuery, createQueryReader, NOT_A_QUERY, type Query } from "../../../src/dns/wire/query.ts";
import { decode, encodeQuery } from "../support/messages.ts";

const BEHIND = 9;
const readQuery = createQueryReader();

/** Reads a message that stands in the midst of other octets. */
function read(message: Uint8Array): { readonly rcode: number; readonly query: Query } {
  const octets = Buffer.concat([Buffer.alloc(BEHIND, 0x41), message, Buffer.alloc(BEHIND, 0x41)]);
  const query = createQuery();
  return { rcode: readQuery(octets, BEHIND, BEHIND + message.length, query), query };
}
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/[^0-9a-f]/g, ""), "hex");
const HEADER = "1234 0100 0001 0000 0000 0000";
const QUESTION = "03 777777 07 6578616d706c65 00 0001 0001"; // www.example. A IN

test("a query is read off the wire (RFC 1035 section 4.1)", () => {
  // dig +dnssec +bufsize=1400 www.example A
  const message = hex(
    "1234 0130 0001 0000 0000 0001" +
      "03 577777 07 6578616d506c65 00 0001 0001" +
      "00 0029 0578 00 00 8000 0000",
  );
  expect(read(message)).toEqual({
    rcode: 0,
    query: {
      start: BEHIND,
      id: 0x1234,
      opcode: 0,
      recursionDesired: true,
      authenticData: true,
      checkingDisabled: true,
      qname: "www.example",
      qtype: 1,
      questionOctets: 17,
      hasEdns: true,
      dnssecOk: true,
      udpSize: 1400,
    },
  });
});

describe("a query is refused", () => {
  const label63 = `3f${"61".repeat(63)}`;
  test.each<[string, string, number]>([
    ["no questions: FORMERR", "1234 0100 0000 0000 0000 0000", 1],
    ["two questions: FORMERR", "1234 0100 0002 0000 0000 0000" + QUESTION + QUESTION, 1],
    ["with an answer section: FORMERR", "1234 0100 0001 0001 0000 0000" + QUESTION, 1],
    ["with an authority section: FORMERR", "1234 0100 0001 0000 0001 0000" + QUESTION, 1],
    ["truncated: FORMERR", "1234 0300 0001 0000 0000 0000" + QUESTION, 1],
    ["opcode IQUERY: NOTIMP", "1234 0900 0001 0000 0000 0000" + QUESTION, 4],
    ["opcode UPDATE: NOTIMP", "1234 2900 0001 0000 0000 0000" + QUESTION, 4],
    ["class CH: REFUSED", HEADER + "03 777777 00 0001 0003", 5],
    ["class ANY: REFUSED", HEADER + "03 777777 00 0001 00ff", 5],
    ["type 0: FORMERR", HEADER + "03 777777 00 0000 0001", 1],
    ["type OPT: FORMERR", HEADER + "03 777777 00 0029 0001", 1],
    ["cut in its name: FORMERR", HEADER + "03 7777", 1],
    ["cut in its type: FORMERR", HEADER + "03 777777 00 00", 1],
    ["a name with a pointer: FORMERR", HEADER + "03 777777 c00c 0001 0001", 1],
    ["a label of 64 octets: FORMERR", HEADER + `40 ${"61".repeat(64)} 00 0001 0001`, 1],
    ["a name of 256 octets: FORMERR", HEADER + `${label63.repeat(3)} 3e ${"61".repeat(62)} 00 0001 0001`, 1],
    ["octets behind the message: FORMERR", HEADER + QUESTION + "00", 1],
    [
      "two OPT records: FORMERR",
      "1234 0100 0001 0000 0000 0002" + QUESTION + "00 0029 0200 00 00 0000 0000".repeat(2),
      1,
    ],
    ["a TSIG record: FORMERR", "1234 0100 0001 0000 0000 0001" + QUESTION + "00 00fa 00ff 00000000 0000", 1],
    [
      "an OPT record with an owner: FORMERR",
      "1234 0100 0001 0000 0000 0001" + QUESTION + "01 61 00 0029 0200 00000000 0000",
      1,
    ],
    [
      "an OPT record longer than the message: FORMERR",
      "1234 0100 0001 0000 0000 0001" + QUESTION + "00 0029 0200 00 00 0000 0004 00",
      1,
    ],
    [
      "EDNS version 1: BADVERS",
      "1234 0100 0001 0000 0000 0001" + QUESTION + "00 0029 0200 00 01 0000 0000",
      16,
    ],
  ])("%s", (_what, message, rcode) => {
    expect(read(hex(message)).rcode).toBe(rcode);
  });

  test.each([
    ["an answer", "1234 8100 0001 0000 0000 0000" + QUESTION],
    ["half a header", "1234 0100 0001"],
    ["nothing", ""],
  ])("%s gets no reply at all", (_what, message) => {
    expect(read(hex(message)).rcode).toBe(NOT_A_QUERY);
  });
});

test("a name of 255 octets is the longest (RFC 1035 section 2.3.4)", () => {
  const label63 = `3f${"61".repeat(63)}`;
  const message = HEADER + `${label63.repeat(3)} 3d ${"61".repeat(61)} 00 0001 0001`;
  expect(read(hex(message))).toMatchObject({ rcode: 0, query: { questionOctets: 259 } });
  expect(read(hex(message)).query.qname).toHaveLength(253);
});

test.each([
  ["a dot inside a label", "03 612e62 00"],
  ["a NUL inside a label", "03 610062 00"],
  ["a blank", "01 20 00"],
  ["an octet above 127", "02 c3a4 00"],
])("%s makes a name that no rule can speak of", (_what, name) => {
  expect(read(hex(`${HEADER} ${name} 0001 0001`))).toMatchObject({ rcode: 0, query: { qname: undefined } });
});

test("the root's name is empty (RFC 1035 section 3.1)", () => {
  expect(read(hex(`${HEADER} 00 0002 0001`))).toMatchObject({
    rcode: 0,
    query: { qname: "", qtype: 2, questionOctets: 5 },
  });
});

test.each([
  [undefined, 512],
  [1, 512],
  [511, 512],
  [512, 512],
  [1232, 1232],
  [4096, 4096],
  [65_535, 4096],
])("a client that says it takes %s octets gets %i at most over UDP", (udpSize, wanted) => {
  const { query } = read(encodeQuery({ name: "a.example", ...(udpSize === undefined ? {} : { udpSize }) }));
  expect(query.udpSize).toBe(wanted);
});

test("what dns-packet writes is read, by dns2 as well", () => {
  const anyLabel = fc.string({
    unit: fc.constantFrom(...Array.from("abzAZ09-_")),
    minLength: 1,
    maxLength: 63,
  });
  const anyName = fc.array(anyLabel, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(anyName, fc.nat(65_535), fc.boolean(), (name, id, dnssecOk) => {
      const message = encodeQuery({ name, id, dnssecOk, udpSize: 1232 });
      const { rcode, query } = read(message);
      expect(rcode).toBe(0);
      expect(query).toMatchObject({ id, qname: name.toLowerCase(), qtype: 1, dnssecOk, hasEdns: true });
      const parsed = Packet.parse(message);
      expect([parsed.header.id, parsed.questions[0]?.name]).toEqual([id, name]);
    }),
  );
});

test("random octets never throw, and a good query is one that dns-packet reads alike", () => {
  const anyMessage = fc.oneof(
    fc.uint8Array({ maxLength: 80 }),
    fc
      .tuple(fc.uint8Array({ minLength: 1, maxLength: 60 }))
      .map(([tail]) => Buffer.concat([hex(HEADER), tail])),
    fc.tuple(fc.nat(28), fc.nat(255)).map(([at, octet]) => {
      const message = hex(HEADER + QUESTION);
      message[at] = octet;
      return message;
    }),
  );
  fc.assert(
    fc.property(anyMessage, (message) => {
      const { rcode, query } = read(message);
      if (rcode !== 0 || query.qname === undefined) return;
      const [question] = decode(Buffer.from(message)).questions ?? [];
      expect(question?.name.toLowerCase().replace(/^\.$/, "")).toBe(query.qname);
    }),
    { numRuns: 3000 },
  );
});
