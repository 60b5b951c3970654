/**
 * Upstreams that do not get along with mixed case or EDNS: asked plainly, remembered, tried again. RFC 4343,
 * RFC 6891.
 */
import { describe, expect, test } from "vitest";
import { at, createFakeNetwork, type FakeNetwork, type SentQuery } from "../support/fake-network.ts";
import { a, answerTo, decode, encode, nameOf, RCODE, soa } from "../support/messages.ts";
import { good, NAME, rcodes, reply } from "../support/replies.ts";

const NO = { rcode: RCODE.nxDomain, authorities: [soa("example.org", 60)] };
const upperCase = (): number => 0x20;

const isMixed = ({ message }: SentQuery): boolean => nameOf(message) !== nameOf(message).toLowerCase();
const hasEdns = ({ message }: SentQuery): boolean => (decode(message).additionals ?? []).length > 0;

/** An answer with the question in lower case, whatever it was asked in. */
function folded({ message }: { readonly message: Buffer }): Buffer {
  const asked = decode(message);
  const name = nameOf(message).toLowerCase();
  return answerTo(encode({ ...asked, questions: [{ type: "A", name }] }), {
    answers: [a(name, "198.51.100.1")],
  });
}

/** The upstream shows that it keeps the case and takes EDNS. */
function prove(net: FakeNetwork): void {
  net.ask({ name: "proof.example.org" });
  const to = at(net.sent, -1);
  net.receive({ to, message: good(to) });
}

/** Answers what is sent from now on by the same rule, until nothing is. */
function serve(net: FakeNetwork, rule: (query: SentQuery) => Buffer | undefined): void {
  for (let served = net.sent.length - 1; served < net.sent.length; served++) {
    const to = at(net.sent, served);
    const message = rule(to);
    if (message !== undefined) net.receive({ to, message });
  }
}

describe.each([
  ["NXDOMAIN", NO],
  ["SERVFAIL", { rcode: RCODE.servFail }],
  ["REFUSED", { rcode: RCODE.refused }],
  ["an empty answer", {}],
])("an upstream that answers mixed case with %s", (_what, refusal) => {
  const rule = (query: SentQuery): Buffer =>
    isMixed(query) ? answerTo(query.message, refusal) : good(query);

  test("is asked once in lower case, under another id, and from then on", () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    const client = net.ask({ name: NAME });
    serve(net, rule);
    expect(net.sent.map(isMixed)).toEqual([true, false]);
    expect(at(net.sent, 0).attempt).not.toBe(at(net.sent, 1).attempt);
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
    net.ask({ name: "two.example.org" });
    expect(isMixed(at(net.sent, 2))).toBe(false);
  });

  test("is tried again in mixed case by one lookup each five minutes", () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    net.ask({ name: NAME });
    serve(net, rule);
    net.advance(300_000);
    for (const name of ["two", "three"]) {
      net.ask({ name: `${name}.example.org` });
      serve(net, rule);
    }
    expect(net.sent.map(isMixed)).toEqual([true, false, true, false, false]);
    net.advance(300_000);
    prove(net);
    net.ask({ name: "four.example.org" });
    expect(isMixed(at(net.sent, -1))).toBe(true);
  });
});

describe("an upstream that has shown that it keeps the case", () => {
  test("is believed when it says NXDOMAIN or no data: ordinary upstreams are asked once", () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    prove(net);
    for (const [index, no] of [NO, { authorities: [soa("example.org", 60)] }].entries()) {
      const client = net.ask({ name: `no${index}.example.org` });
      reply(net, 1 + index, no);
      expect(client.answers).toHaveLength(1);
    }
    expect(net.sent).toHaveLength(3);
  });

  test("is asked about an error once more, and cannot be moved by it to be asked plainly", () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    prove(net);
    for (let i = 0; i < 5; i++) {
      const client = net.ask({ name: `broken${i}.example.org` });
      serve(net, (query) =>
        isMixed(query) ? answerTo(query.message, { rcode: RCODE.servFail }) : good(query),
      );
      expect(rcodes(client.answers)).toEqual(["NOERROR"]);
    }
    expect(net.sent.slice(1).map(isMixed)).toEqual(Array.from({ length: 10 }, (_, i) => i % 2 === 0));
  });

  test("cannot be moved by silence or by answers in lower case either", async () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    prove(net);
    net.ask({ name: "silent.example.org" });
    net.advance(900);
    serve(net, (query) => (isMixed(query) ? undefined : good(query)));
    net.ask({ name: "forged.example.org" });
    const query = at(net.sent, -1);
    net.receive({ to: query, message: folded(query) });
    await at(net.tcp, 0).answer(good(at(net.tcp, 0)));
    net.ask({ name: "honest.example.org" });
    expect(isMixed(at(net.sent, -1))).toBe(true);
  });

  test("is asked in lower case once it folds the case over TCP, where nobody can forge", async () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    prove(net);
    net.ask({ name: NAME });
    const query = at(net.sent, -1);
    net.receive({ to: query, message: folded(query) });
    await at(net.tcp, 0).answer(folded(at(net.tcp, 0)));
    net.ask({ name: "two.example.org" });
    expect(isMixed(at(net.sent, -1))).toBe(false);
  });
});

test("NXDOMAIN in both cases is given out after the second, and after 1.5 s if that is silence", () => {
  const net = createFakeNetwork({ randomOctet: upperCase });
  const both = net.ask({ name: NAME });
  reply(net, 0, NO);
  expect(both.answers).toEqual([]);
  reply(net, 1, NO);
  expect(rcodes(both.answers)).toEqual(["NXDOMAIN"]);
  const one = net.ask({ name: "two.example.org" });
  reply(net, 2, NO);
  net.advance(1500);
  expect(rcodes(one.answers)).toEqual(["NXDOMAIN"]);
});

test("after two silent tries in mixed case one is in lower case", () => {
  const net = createFakeNetwork({ randomOctet: upperCase });
  const client = net.ask({ name: NAME });
  net.advance(900);
  expect(net.sent.map(isMixed)).toEqual([true, true, false]);
  const to = at(net.sent, 2);
  net.receive({ to, message: good(to) });
  expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  net.ask({ name: "two.example.org" });
  expect(isMixed(at(net.sent, 3))).toBe(false);
});

test("an answer to an earlier try in mixed case is still good beside the plain one", () => {
  const net = createFakeNetwork({ randomOctet: upperCase });
  const client = net.ask({ name: NAME });
  net.advance(900);
  net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
  expect(rcodes(client.answers)).toEqual(["NOERROR"]);
});

describe("an upstream that answers in lower case and has no TCP", () => {
  test("is asked in lower case when TCP fails, and from then on", async () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    const client = net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: folded(at(net.sent, 0)) });
    await at(net.tcp, 0).answer(undefined);
    net.receive({ to: at(net.sent, 1), message: folded(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
    net.ask({ name: "TWO.example.org" });
    net.receive({ to: at(net.sent, 2), message: folded(at(net.sent, 2)) });
    expect(net.sent.map(isMixed)).toEqual([true, false, false]);
    expect(net.tcp).toHaveLength(1);
  });

  test("is asked so without waiting for the end of TCP's time", () => {
    const net = createFakeNetwork({ randomOctet: upperCase });
    const client = net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: folded(at(net.sent, 0)) });
    net.advance(300);
    net.receive({ to: at(net.sent, 1), message: folded(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });
});

describe("an upstream that does not take EDNS", () => {
  test.each([
    ["FORMERR", RCODE.formErr],
    ["NOTIMP", RCODE.notImp],
  ])("and says %s is asked without it from then on, and tried again after five minutes", (_name, rcode) => {
    const net = createFakeNetwork();
    const rule = (query: SentQuery): Buffer =>
      hasEdns(query) ? answerTo(query.message, { rcode }) : good(query);
    for (const name of ["one", "two"]) {
      net.ask({ name: `${name}.example.org` });
      serve(net, rule);
    }
    net.advance(300_000);
    net.ask({ name: "three.example.org" });
    serve(net, rule);
    expect(net.sent.map(hasEdns)).toEqual([true, false, false, true, false]);
  });

  test("and is silent to it is asked once without it", () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    net.advance(2100);
    expect(net.sent.map(hasEdns)).toEqual([true, true, true, false]);
    net.receive({ to: at(net.sent, 3), message: good(at(net.sent, 3)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
    net.ask({ name: "two.example.org" });
    expect(hasEdns(at(net.sent, 4))).toBe(false);
  });

  test("is not found where EDNS has been answered with data", () => {
    const net = createFakeNetwork();
    prove(net);
    net.ask({ name: NAME });
    net.advance(4500);
    expect(net.sent.every(hasEdns)).toBe(true);
  });
});
