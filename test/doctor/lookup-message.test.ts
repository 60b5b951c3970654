import * as fc from "fast-check";
import { expect, test } from "vitest";
import { encodeLookup, isDenial, nameToDeny, withLength } from "../../src/doctor/lookup-message.ts";
import { deniedReply, ownReplyForType, rcodeReply, UPSTREAM_FAILED } from "../../src/dns/own-replies.ts";
import { createQuery, createQueryReader } from "../../src/dns/wire/query.ts";
import { MAX_OWN_REPLY_OCTETS, type OwnReply, writeOwnReply } from "../../src/dns/wire/reply.ts";

const LOOKUP = encodeLookup(nameToDeny("0123456789abcdef"));
const readQuery = createQueryReader();
const DENIED_BY_DEFAULT = deniedReply({ action: "deny", layer: "default", rule: undefined }, false);

/** What the sidecar answers to the question. */
function answerTo(message: Buffer, reply: OwnReply): Buffer {
  const octets = Buffer.concat([message, Buffer.alloc(MAX_OWN_REPLY_OCTETS)]);
  const query = createQuery();
  readQuery(octets, 0, message.length, query);
  return octets.subarray(0, writeOwnReply(octets, query, reply));
}

test("the question is one that the sidecar reads", () => {
  const query = createQuery();
  expect(readQuery(LOOKUP, 0, LOOKUP.length, query)).toBe(0);
  expect(query).toMatchObject({ qname: "0123456789abcdef.egress-doctor.invalid", qtype: 1, hasEdns: true });
});

test("the sidecar's denial is known", () => {
  expect(isDenial(answerTo(LOOKUP, DENIED_BY_DEFAULT))).toBe(true);
});

test.each([
  ["no such name, said by another", rcodeReply(3)],
  ["refused", rcodeReply(5)],
  ["no data", ownReplyForType(65) ?? DENIED_BY_DEFAULT],
  ["its failure", UPSTREAM_FAILED],
])("%s is no denial", (_, reply) => {
  expect(isDenial(answerTo(LOOKUP, reply))).toBe(false);
});

test("no octets make it throw, and no part of a denial is one", () => {
  const denial = answerTo(LOOKUP, DENIED_BY_DEFAULT);
  expect(denial.length).toBeGreaterThan(LOOKUP.length);
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.nat(denial.length - 1),
      fc.nat(255),
      (octets, at, value) => {
        isDenial(Buffer.from(octets));
        const changed = Buffer.from(denial);
        changed[at] = value;
        isDenial(changed);
        return !isDenial(denial.subarray(0, at));
      },
    ),
  );
});

test("over TCP two octets of length come first", () => {
  expect(withLength(Buffer.alloc(0x102)).subarray(0, 3)).toEqual(Buffer.from([1, 2, 0]));
});
