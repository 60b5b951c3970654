/** Upstreams that do not know the same names: whose "no" counts, and when. */
import { describe, expect, test } from "vitest";
import { ALLOW, at, createFakeNetwork, DENY, type FakeNetwork } from "../support/fake-network.ts";
import { answerTo, cname, decode, FLAG, RCODE, renderRecords, soa } from "../support/messages.ts";
import { good, NAME, rcodes, reply, upstreamsAsked } from "../support/replies.ts";

const NO = { rcode: RCODE.nxDomain, authorities: [soa("example.org", 60)] };
const NO_DATA = { authorities: [soa("example.org", 60)] };

/** A lookup that the first upstream is silent on, and the second has been asked for. */
function createHedged(upstreams = 2): { net: FakeNetwork; client: { answers: Buffer[] } } {
  const net = createFakeNetwork({ upstreams });
  const client = net.ask({ name: NAME });
  net.advance(300);
  expect(upstreamsAsked(net)).toEqual([0, 1]);
  return { net, client };
}

/** As `reply`, by a server that does not recurse. */
function replyLame(net: FakeNetwork, index: number, answer: Parameters<typeof reply>[2]): void {
  const to = at(net.sent, index);
  const message = answerTo(to.message, answer);
  message.writeUInt16BE(message.readUInt16BE(2) & ~0x0080, 2);
  net.receive({ to, message });
}

function createChanging(): { net: FakeNetwork; client: { answers: Buffer[] }; deny: () => void } {
  let decision = ALLOW;
  const net = createFakeNetwork({ upstreams: 2, policy: { decide: () => decision } });
  return { net, client: net.ask({ name: NAME }), deny: () => (decision = DENY) };
}

describe.each([
  ["NXDOMAIN", NO, "NXDOMAIN"],
  ["no data", NO_DATA, "NOERROR"],
  ["a chain of CNAMEs to nothing", { ...NO_DATA, answers: [cname(NAME, "x.example.org")] }, "NOERROR"],
])("%s of a later upstream", (_what, no, rcode) => {
  test("waits for the earlier one, whose data wins", () => {
    const { net, client } = createHedged();
    reply(net, 1, no);
    net.advance(1000);
    expect(client.answers).toEqual([]);
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(decode(at(client.answers, 0)).answers).toHaveLength(1);
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("is given out whole once the earlier one has been silent for 1.5 s more", () => {
    const { net, client } = createHedged();
    reply(net, 1, no);
    net.advance(1450);
    expect(client.answers).toEqual([]);
    net.advance(50);
    expect(rcodes(client.answers)).toEqual([rcode]);
    const { answers, authorities } = decode(at(client.answers, 0));
    expect(renderRecords(answers)).toHaveLength("answers" in no ? 1 : 0);
    expect(renderRecords(authorities)).toHaveLength(1);
    expect(net.engine.underWay()).toBe(0);
  });

  test("is given out at once when the earlier one fails", () => {
    const { net, client } = createHedged();
    reply(net, 1, no);
    reply(net, 0, { rcode: RCODE.servFail });
    expect(rcodes(client.answers)).toEqual([rcode]);
  });

  test("is given out at the lookup's own time limit", () => {
    const net = createFakeNetwork({ upstreams: 2, timeoutMs: 1000 });
    const client = net.ask({ name: NAME });
    net.advance(300);
    reply(net, 1, no);
    net.advance(700);
    expect(rcodes(client.answers)).toEqual([rcode]);
  });
});

test("the first upstream's no is final at once, whatever the others are at", () => {
  const { net, client } = createHedged();
  reply(net, 0, NO);
  expect(rcodes(client.answers)).toEqual(["NXDOMAIN"]);
});

test("of two that say no the earlier one's is given out", () => {
  const { net, client } = createHedged(3);
  net.advance(600);
  expect(upstreamsAsked(net)).toEqual([0, 1, 2]);
  reply(net, 2, NO);
  reply(net, 1, NO_DATA);
  expect(client.answers).toEqual([]);
  reply(net, 0, { rcode: RCODE.refused });
  expect(rcodes(client.answers)).toEqual(["NOERROR"]);
});

test("while a no waits, nobody else is asked than those that it waits for", () => {
  const { net } = createHedged(3);
  reply(net, 1, NO);
  net.advance(1450);
  expect(new Set(upstreamsAsked(net).slice(2))).toEqual(new Set([0]));
});

test("with a thousand lookups that wait, a long no is held by its rcode alone", () => {
  const net = createFakeNetwork({ upstreams: 2, maxLookups: 1200, maxWaiters: 4000 });
  const client = net.client();
  const names = Array.from({ length: 1000 }, (_, i) => `n${i}.example.org`);
  for (const name of names) net.ask({ name }, client);
  net.advance(300);
  const chain = Array.from({ length: 30 }, (_, i) =>
    cname(`c${i}.example.org`, `d${i}.${"x".repeat(40)}.org`),
  );
  for (const to of net.sent.slice(1000)) {
    net.receive({ to, message: answerTo(to.message, { ...NO, additionals: chain }) });
  }
  net.advance(1500);
  expect(client.answers).toHaveLength(1000);
  expect(new Set(rcodes(client.answers))).toEqual(new Set(["NXDOMAIN"]));
  expect([0, -1].map((i) => decode(at(client.answers, i)).authorities?.length)).toEqual([1, 0]);
});

describe("a lame upstream", () => {
  const referral = {
    authorities: [{ type: "NS", name: "example.org", data: "ns.example.org", ttl: 60 } as const],
  };
  test.each([
    ["refers to other servers", referral],
    ["says nothing", {}],
  ])("that %s gives way to the next one", (_what, answer) => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    replyLame(net, 0, answer);
    expect(upstreamsAsked(net)).toEqual([0, 1]);
    net.receive({ to: at(net.sent, 1), message: good(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("alone: a referral is SERVFAIL, an empty answer is no data", () => {
    const net = createFakeNetwork();
    const referred = net.ask({ name: NAME });
    replyLame(net, 0, referral);
    expect(rcodes(referred.answers)).toEqual(["SERVFAIL"]);
    const empty = net.ask({ name: "two.example.org" });
    replyLame(net, 1, {});
    expect(rcodes(empty.answers)).toEqual(["NOERROR"]);
  });

  test("is not one that is an authority of the name", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    const to = at(net.sent, 0);
    const message = answerTo(to.message, NO_DATA);
    message.writeUInt16BE(FLAG.qr | 0x0400, 2);
    net.receive({ to, message });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });
});

describe("slow is not dead", () => {
  test("an upstream that answers after the next one has been asked stays the first", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    for (let i = 0; i < 5; i++) {
      net.ask({ name: `slow${i}.example.org` });
      net.advance(400);
      const [first, second] = net.sent.slice(-2);
      if (first === undefined || second === undefined) throw new Error("two are asked");
      net.receive({ to: second, message: good(second) });
      net.advance(100);
      net.receive({ to: first, message: good(first) });
    }
    expect(net.engine.isUpstreamAlive(0)).toBe(true);
    expect(net.engine.stats().unmatchedResponses).toBe(0);
  });

  test("an answer that comes when its lookup has long failed revives", () => {
    const net = createFakeNetwork({ timeoutMs: 1000 });
    for (let i = 0; i < 3; i++) {
      net.ask({ name: `gone${i}.example.org` });
      net.advance(1000);
    }
    expect(net.engine.isUpstreamAlive(0)).toBe(false);
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(net.engine.isUpstreamAlive(0)).toBe(true);
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(net.engine.stats().unmatchedResponses).toBe(1);
  });
});

describe("a name that a change denies while its lookup is under way is not asked again", () => {
  test.each([
    ["when its time has come", (net: FakeNetwork) => net.advance(300)],
    ["of the next upstream", (net: FakeNetwork) => reply(net, 0, { rcode: RCODE.servFail })],
    ["without EDNS", (net: FakeNetwork) => reply(net, 0, { rcode: RCODE.formErr })],
    ["over TCP", (net: FakeNetwork) => reply(net, 0, { truncated: true })],
  ])("%s", (_when, happen) => {
    const { net, client, deny } = createChanging();
    deny();
    happen(net);
    expect(net.sent).toHaveLength(1);
    expect(net.tcp).toEqual([]);
    expect(rcodes(client.answers)).toEqual(["NXDOMAIN"]);
    expect(net.events).toEqual([`denied ${NAME}`]);
    expect(net.engine.underWay()).toBe(0);
  });
});
