/**
 * AD: who hears that an upstream has validated an answer (RFC 6840 sections 5.7 and 5.8, RFC 5625 section
 * 4.1).
 */
import { describe, expect, test } from "vitest";
import { at, createFakeNetwork, type FakeNetwork } from "../support/fake-network.ts";
import { FLAG, nameOf, type QueryText } from "../support/messages.ts";
import { encodePlainly, plainA, type PlainMessage, type PlainRecord } from "../support/plain-server.ts";
import { NAME } from "../support/replies.ts";

const ASKS = { flags: FLAG.rd | FLAG.ad };
const WANTS_PROOFS = { udpSize: 1232, dnssecOk: true };
const SOA: PlainRecord = {
  name: "example.org",
  type: 6,
  rdata: [{ name: "ns.example.org" }, { name: "root.example.org" }, Buffer.alloc(20, 1)],
};

const hasAd = (message: Buffer): boolean => (message.readUInt16BE(2) & FLAG.ad) !== 0;

function network(): FakeNetwork {
  return createFakeNetwork({ policy: { admitsAddress: (octets, offset) => octets[offset] !== 127 } });
}

/** The upstream's validated answer to what it was asked last. */
function validate(net: FakeNetwork, answer: Partial<PlainMessage> = {}): void {
  const to = at(net.sent, -1);
  const question = { name: nameOf(to.message), type: 1 };
  const answers = [plainA(question.name, "198.51.100.1")];
  const message = encodePlainly({ question, answers, authenticData: true, ...answer });
  message.writeUInt16BE(to.message.readUInt16BE(0), 0);
  net.receive({ to, message });
}

function askFor(query: Partial<QueryText>, answer: Partial<PlainMessage> = {}): boolean {
  const net = network();
  const client = net.ask({ name: NAME, ...query });
  validate(net, answer);
  return hasAd(at(client.answers, 0));
}

describe("AD of a validated answer", () => {
  test.each<[string, Partial<QueryText>, boolean]>([
    ["reaches who asks for it", ASKS, true],
    ["reaches who asks for proofs", WANTS_PROOFS, true],
    ["does not reach who asks for neither", {}, false],
  ])("%s", (_what, query, wanted) => {
    expect(askFor(query)).toBe(wanted);
  });

  test.each<[string, Partial<PlainMessage>, boolean]>([
    ["of which the upstream says nothing", { authenticData: false }, false],
    [
      "that loses name servers beside data",
      { authorities: [{ name: "example.org", type: 2, rdata: [{ name: "ns.example.org" }] }] },
      true,
    ],
    ["that says no, with the upstream's own proof", { rcode: 3, answers: [], authorities: [SOA] }, true],
    [
      "that says no, with our SOA",
      { rcode: 3, answers: [], authorities: [SOA, plainA("ns.example.org", "192.0.2.1")] },
      false,
    ],
    [
      "from which an address is taken",
      { answers: [plainA(NAME, "198.51.100.1"), plainA(NAME, "127.0.0.1")] },
      false,
    ],
    ["from which all addresses are taken", { answers: [plainA(NAME, "127.0.0.1")] }, false],
    [
      "from which a stray record is taken",
      { answers: [plainA(NAME, "198.51.100.1"), plainA("x.example", "192.0.2.1")] },
      false,
    ],
    [
      "that is cut",
      { answers: Array.from({ length: 40 }, (_, i) => plainA(NAME, `198.51.100.${i}`)) },
      false,
    ],
  ])("of an answer %s: %s", (_what, answer, wanted) => {
    expect(askFor(ASKS, answer)).toBe(wanted);
  });

  test("is kept in one cache entry for those that ask for it and those that do not", () => {
    const net = network();
    net.ask({ name: NAME });
    expect(at(net.sent, 0).message.readUInt16BE(2) & FLAG.ad).toBe(FLAG.ad);
    validate(net);
    const client = net.ask({ name: NAME, ...ASKS });
    net.ask({ name: NAME }, client);
    expect(client.answers.map(hasAd)).toEqual([true, false]);
    expect(net.sent).toHaveLength(1);
  });

  test("is not asked for where EDNS is refused", () => {
    const net = network();
    net.ask({ name: NAME, ...ASKS });
    validate(net, { rcode: 1, answers: [] });
    expect(at(net.sent, 1).message.readUInt16BE(2) & FLAG.ad).toBe(0);
  });
});
