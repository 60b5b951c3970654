import type { Answer } from "dns-packet";
import { describe, expect, test } from "vitest";
import type { PreparedAnswer } from "../../../src/dns/answer/prepared-answer.ts";
import { prepare, questionOctetsOf, write } from "../support/clean.ts";
import { a, answerTo, cname, decode, encodeQuery, renderRecords } from "../support/messages.ts";
import { encodePlainly, plainA, plainCname, u16, type PlainRecord } from "../support/plain-server.ts";

const NAME = "www.example.org";

function addresses(length: number, name = NAME): readonly PlainRecord[] {
  return Array.from({ length }, (_, i) => plainA(name, `198.51.${i >> 8}.${i & 255}`));
}

function take(
  answers: readonly PlainRecord[],
  authorities: readonly PlainRecord[] = [],
): PreparedAnswer | undefined {
  const message = encodePlainly({ question: { name: NAME, type: 1 }, answers, authorities });
  return prepare(message, { questionOctets: questionOctetsOf(message) });
}

/** The records that a client gets of these. */
function given(answers: readonly Answer[]): readonly string[] {
  const message = answerTo(encodeQuery({ name: NAME }), { answers });
  const questionOctets = questionOctetsOf(message);
  const prepared = prepare(message, { questionOctets });
  return renderRecords(prepared && decode(write(prepared, message, questionOctets)).answers);
}

function dname(owner: string, target: string): Answer {
  return { type: "DNAME", name: owner, data: target };
}

function signature(covered: number): PlainRecord {
  return {
    name: "example.org",
    type: 46,
    rdata: [u16(covered), Buffer.alloc(16, 1), { name: "example.org" }, Buffer.alloc(4, 2)],
  };
}

describe("of an answer that is too large the first records are taken", () => {
  const TARGET = "edge.example.net";
  test.each([
    [512, 512],
    [513, 512],
    [1024, 512],
    [1025, 512],
    [3000, 512],
  ])("%i addresses: %i of them", (length, wanted) => {
    expect(take(addresses(length))).toMatchObject({ rcode: 0, addressCount: wanted, answerCount: wanted });
    const behind = [plainCname(NAME, TARGET), ...addresses(length, TARGET)];
    expect(take(behind)).toMatchObject({ addressCount: wanted, answerCount: wanted + 1 });
  });

  test("behind a chain of 16 aliases, too", () => {
    const names = [NAME, ...Array.from({ length: 16 }, (_, i) => `n${i}.example.net`)];
    const chain = names.slice(1).map((name, i) => plainCname(names[i] ?? "", name));
    expect(take([...chain, ...addresses(1000, names.at(-1))])).toMatchObject({ addressCount: 512 });
  });

  test("an authority section of more than 64 records is left out, and the answer stays", () => {
    const servers = Array.from({ length: 65 }, (_, i): PlainRecord => ({
      name: "example.org",
      type: 2,
      rdata: [{ name: `ns${i}.example.org` }],
    }));
    expect(take(addresses(2), servers)).toMatchObject({ answerCount: 2, authorityCount: 0 });
  });
});

describe("a DNAME", () => {
  const chain = [
    dname("example.org", "example.net"),
    cname(NAME, "www.example.net"),
    a("www.example.net", "192.0.2.1"),
  ];
  test("above the chain's name stays, and so does the answer as it is", () => {
    expect(given(chain)).toEqual(renderRecords(chain));
  });
  test("of other names goes", () => {
    const others = [dname("example.com", "example.net"), dname("xample.org", "example.net")];
    expect(given([...others, ...chain.slice(1)])).toEqual(renderRecords(chain.slice(1)));
  });
  test("has its signature with it for who wants proofs, and no other record of its owner", () => {
    const answers: readonly PlainRecord[] = [
      { name: "example.org", type: 39, rdata: [{ name: "example.net" }] },
      signature(39),
      signature(1),
      plainCname(NAME, "www.example.net"),
      plainA("www.example.net", "192.0.2.1"),
    ];
    const message = encodePlainly({ question: { name: NAME, type: 1 }, answers });
    const questionOctets = questionOctetsOf(message);
    const countOf = (dnssecOk: boolean) => prepare(message, { questionOctets, dnssecOk })?.answerCount;
    expect([countOf(false), countOf(true)]).toEqual([3, 4]);
  });
});
