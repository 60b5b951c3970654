import type { Answer } from "dns-packet";
import { Packet } from "dns2";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { prepare, questionOctetsOf, write } from "../support/clean.ts";
import { answerTo, decode, encodeQuery, renderRecords } from "../support/messages.ts";

const QNAME = "a.example";
const anyName = fc.constantFrom(QNAME, "A.EXAMPLE", "b.example", "c.example", "x.a.example", "example");
const anyAddress = fc.integer({ min: 0, max: 7 }).map((last) => `192.0.2.${last}`);
const anyRecord: fc.Arbitrary<Answer> = fc.oneof(
  fc.record({ type: fc.constant("A" as const), name: anyName, ttl: fc.nat(1000), data: anyAddress }),
  fc.record({ type: fc.constant("CNAME" as const), name: anyName, ttl: fc.nat(1000), data: anyName }),
  fc.record({ type: fc.constant("AAAA" as const), name: anyName, data: fc.constant("2001:db8::1") }),
  fc.record({ type: fc.constant("TXT" as const), name: anyName, data: fc.constant("text") }),
);
const anyAnswer = fc.record({
  answers: fc.array(anyRecord, { maxLength: 8 }),
  authorities: fc.array(anyRecord, { maxLength: 2 }),
  additionals: fc.array(anyRecord, { maxLength: 2 }),
});
const anyJudge = fc.uniqueArray(fc.integer({ min: 0, max: 7 })).map((refused) => new Set(refused));

/**
 * What should be left of the records, in their order: the question's chain, its first alias each time,
 * addresses judged.
 */
function selectPlainly(records: readonly Answer[], refused: ReadonlySet<number>): readonly Answer[] {
  const kept = new Set<Answer>();
  let owner: string | undefined = QNAME;
  while (owner !== undefined) {
    let next: string | undefined;
    for (const record of records) {
      if (kept.has(record) || record.name.toLowerCase() !== owner) continue;
      if (record.type === "A" && !refused.has(Number(record.data.at(-1)))) kept.add(record);
      if (record.type === "CNAME" && next === undefined) {
        kept.add(record);
        next = record.data.toLowerCase();
      }
    }
    owner = next;
  }
  return records.filter((record) => kept.has(record));
}

/** A name may take the letter case of where it stands first. */
function read(records: readonly Answer[] | undefined): readonly string[] {
  return renderRecords(records).map((text) => text.toLowerCase());
}

test("what is left is the question's chain with the addresses that may be given out", () => {
  fc.assert(
    fc.property(anyAnswer, anyJudge, (answer, refused) => {
      const message = answerTo(encodeQuery({ name: QNAME }), answer);
      const questionOctets = questionOctetsOf(message);
      const prepared = prepare(message, {
        questionOctets,
        admit: (octets, at) => !refused.has(octets[at + 3] ?? 0),
      });
      const given = prepared && decode(write(prepared, message, questionOctets));
      const wanted = selectPlainly(answer.answers, refused);
      const noneRefused = selectPlainly(answer.answers, new Set());
      const isFiltered = wanted.length < noneRefused.length && !wanted.some(({ type }) => type === "A");
      expect(read(given?.answers)).toEqual(isFiltered ? [] : read(wanted));
      expect(given?.authorities?.filter(({ type }) => type !== "SOA")).toEqual([]);
      expect(given?.additionals).toEqual([]);
    }),
  );
});

test("dns2 and dns-packet read the same question and records in what is given out", () => {
  fc.assert(
    fc.property(anyAnswer, (answer) => {
      const message = answerTo(encodeQuery({ name: QNAME }), answer);
      const questionOctets = questionOctetsOf(message);
      const prepared = prepare(message, { questionOctets });
      const given = prepared && write(prepared, message, questionOctets);
      if (given === undefined) throw new Error("refused");
      const parsed = Packet.parse(given);
      const decoded = decode(given);
      expect(parsed.questions.map(({ name }) => name)).toEqual(decoded.questions?.map(({ name }) => name));
      expect(parsed.answers.map(({ name, type }) => `${name} ${type}`)).toEqual(
        decoded.answers?.map(({ name, type }) => `${name} ${type === "A" ? 1 : 5}`),
      );
    }),
  );
});

test("octets changed anywhere never throw, never loop, and never bring out a refused address", () => {
  const anyChange = fc.tuple(fc.nat(400), fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 12, 0xc0, 0xff)));
  fc.assert(
    fc.property(anyAnswer, fc.array(anyChange, { maxLength: 6 }), fc.nat(60), (answer, changes, cut) => {
      const whole = answerTo(encodeQuery({ name: QNAME }), answer);
      const questionOctets = questionOctetsOf(whole);
      const message = whole.subarray(0, Math.max(whole.length - cut, 12 + questionOctets));
      for (const [at, octet] of changes) message[12 + questionOctets + (at % (message.length + 1))] = octet;
      const judged = new Set<string>();
      const prepared = prepare(message, {
        questionOctets,
        admit(octets, at) {
          const address = octets.toString("hex", at, at + 4);
          if ((octets[at + 3] ?? 0) % 2 === 1) return false;
          judged.add(address);
          return true;
        },
      });
      if (prepared === undefined) return;
      for (let i = 0; i < prepared.addressCount; i++) {
        const at = prepared.bodyStart + (prepared.addressAt[i] ?? 0);
        expect(judged).toContain(prepared.octets.toString("hex", at, at + 4));
      }
      const given = write(prepared, message, questionOctets, 5);
      expect(given.length).toBeLessThanOrEqual(65_535);
      expect(given.readUInt16BE(6)).toBe(prepared.answerCount);
    }),
    { numRuns: 2000 },
  );
});

test("random octets behind a question never throw", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 300 }),
      fc.uint8Array({ minLength: 6, maxLength: 6 }),
      (body, counts) => {
        const head = answerTo(encodeQuery({ name: QNAME }));
        const questionOctets = questionOctetsOf(head);
        const message = Buffer.concat([head, body]);
        for (const [index, octet] of counts.entries()) message[6 + index] = index % 2 === 0 ? 0 : octet % 6;
        const prepared = prepare(message, { questionOctets });
        if (prepared === undefined) return;
        expect(write(prepared, message, questionOctets).length).toBeGreaterThanOrEqual(12 + questionOctets);
      },
    ),
    { numRuns: 2000 },
  );
});
