import * as fc from "fast-check";
import { expect, test } from "vitest";
import { createForeignChanges, joinChanges } from "../../../src/netfilter/foreign-change.ts";
import { readReplies } from "../../../src/netlink/reader.ts";
import { readObjectEvent, readTransactionEvent } from "../../../src/netfilter/wire/ruleset-event.ts";

/** Messages as the group receives them, with the attributes that are read and no others. */
const hex = (...lines: readonly string[]): Buffer => Buffer.from(lines.join("").replaceAll(" ", ""), "hex");

const INET = "0100 0001";
const OURS = "1000 0100 6f70656e 73616e64 626f7800"; // opensandbox
const THEIRS = "0b00 0100 74686569 72730000"; // theirs

const RULE_ADDED = hex(
  "30000000 060a 0000 0000 0000 c7010000",
  INET,
  OURS,
  "0b00 0200 65677265 73730000", // chain egress
);
const TABLE_DELETED = hex("24000000 020a", "0000 0000 0000 c7010000", INET, OURS);
const THEIR_ELEMENT = hex(
  "28000000 0c0a 0000 0000 0000 c7010000",
  INET,
  THEIRS,
  "0600 0200 73 000000", // set s
);
const GENERATION = hex(
  "2c000000 0f0a 0000 0000 0000 c7010000",
  "0000 0001",
  "0800 0100 00000007", // number
  "0800 0200 00001267", // process
  "0800 0300 6e667400", // nft
);

/** What is told of these messages. */
function changesOf(...messages: readonly Buffer[]): unknown[] {
  const changes = createForeignChanges();
  const told: unknown[] = [];
  for (const reply of readReplies(Buffer.concat(messages))) {
    if (reply.kind !== "message") continue;
    const object = readObjectEvent(reply.type, reply.payload);
    if (object) changes.add(object);
    const transaction = readTransactionEvent(reply.type, reply.payload);
    if (transaction) told.push(changes.end(transaction));
  }
  return told;
}

test("nft insert rule inet opensandbox egress ...: which chain, and who it was", () => {
  expect(changesOf(RULE_ADDED, RULE_ADDED, GENERATION)).toEqual([
    { found: ["inet opensandbox: rule added in chain egress (2 times)"], by: ["nft (process 4711)"] },
  ]);
});

test("nft add element inet theirs ...: nothing of ours", () => {
  expect(changesOf(THEIR_ELEMENT, GENERATION)).toEqual([undefined]);
});

test("a table that is deleted is told without all that it held", () => {
  expect(changesOf(RULE_ADDED, TABLE_DELETED, GENERATION)).toEqual([
    { found: ["inet opensandbox: table deleted"], by: ["nft (process 4711)"] },
  ]);
});

test("each transaction is told by itself", () => {
  expect(changesOf(RULE_ADDED, GENERATION, GENERATION)).toEqual([
    { found: ["inet opensandbox: rule added in chain egress"], by: ["nft (process 4711)"] },
    undefined,
  ]);
});

test("what is listed has a bound", () => {
  const many = Array.from({ length: 50 }, (_, index) => `${index}`);
  expect(joinChanges(undefined, { found: many, by: ["a", "a"] })).toEqual({
    found: [...many.slice(0, 20), "more"],
    by: ["a"],
  });
});

test("random octets never throw", () => {
  const octets = fc.uint8Array({ maxLength: 200 });
  const read = fc.property(octets, fc.integer({ min: 0xa00, max: 0xa1f }), (payload, type) => {
    readObjectEvent(type, Buffer.from(payload));
    readTransactionEvent(type, Buffer.from(payload));
  });
  expect(() => fc.assert(read)).not.toThrow();
});
