import { describe, expect, test } from "vitest";
import { ALLOW, at, createFakeNetwork, DENY } from "../support/fake-network.ts";
import {
  answerTo,
  cname,
  decode,
  FLAG,
  nameOf,
  RCODE,
  renderRecords,
  soa,
  type AnswerText,
} from "../support/messages.ts";
import { good, NAME, rcodes, reply, upstreamsAsked } from "../support/replies.ts";

test("an answer goes to the client with the client's own id and letter case", () => {
  const net = createFakeNetwork();
  const client = net.ask({ name: "oNe.Example.ORG", id: 4242 });
  expect(client.answers).toEqual([]);
  const query = at(net.sent, 0);
  expect(nameOf(query.message).toLowerCase()).toBe(NAME);
  net.receive({ to: query, message: good(query) });
  const answer = decode(at(client.answers, 0));
  expect(answer.id).toBe(4242);
  expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  expect(answer.questions?.[0]?.name).toBe("oNe.Example.ORG");
  expect(renderRecords(answer.answers)).toEqual([`${NAME} A "198.51.100.1"`]);
});

describe("an upstream that does not answer", () => {
  test("is asked again, later and later, until the time limit: SERVFAIL", () => {
    const net = createFakeNetwork({ timeoutMs: 5000 });
    const client = net.ask({ name: NAME });
    net.advance(250);
    expect(net.sent).toHaveLength(1);
    net.advance(50);
    expect(net.sent).toHaveLength(2);
    net.advance(4650);
    expect(client.answers).toEqual([]);
    net.advance(50);
    expect(rcodes(client.answers)).toEqual(["SERVFAIL"]);
    expect(net.sent).toHaveLength(5);
    expect(net.engine.underWay()).toBe(0);
  });

  test("is still listened to while the next one is asked", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    net.advance(300);
    expect(upstreamsAsked(net)).toEqual([0, 1]);
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("is passed over at once where no socket can be had for it", () => {
    const net = createFakeNetwork({ upstreams: 3 });
    net.unreachable.add(0).add(1);
    net.ask({ name: NAME });
    expect(upstreamsAsked(net)).toEqual([2]);
  });

  test("costs a lookup that no socket can be had for its time, and no more", () => {
    const net = createFakeNetwork({ upstreams: 2, timeoutMs: 2000 });
    net.unreachable.add(0).add(1);
    const client = net.ask({ name: NAME });
    net.advance(1000);
    net.unreachable.clear();
    net.advance(500);
    const query = at(net.sent, 0);
    net.receive({ to: query, message: good(query) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });
});

describe("an upstream that answers with neither data nor a clear no", () => {
  test("gives way to the next one at once", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    reply(net, 0, { rcode: RCODE.servFail });
    expect(upstreamsAsked(net)).toEqual([0, 1]);
    net.receive({ to: at(net.sent, 1), message: good(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("has its rcode passed on when no other does better", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    reply(net, 0, { rcode: RCODE.servFail });
    reply(net, 1, { rcode: RCODE.refused });
    expect(rcodes(client.answers)).toEqual(["REFUSED"]);
    expect(net.events).toEqual([`failed ${NAME} rcode`]);
  });

  test("is not asked again in the place of one that is still silent", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    net.advance(300);
    reply(net, 0, { rcode: RCODE.servFail });
    expect(upstreamsAsked(net)).toEqual([0, 1]);
    expect(client.answers).toEqual([]);
    net.receive({ to: at(net.sent, 1), message: good(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("counts once however often its datagram comes", () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    reply(net, 0, { rcode: RCODE.servFail });
    reply(net, 0, { rcode: RCODE.servFail });
    expect(client.answers).toEqual([]);
  });

  test("cannot make an empty answer of an extended rcode", () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    const badVers: AnswerText = {
      additionals: [
        {
          type: "OPT",
          name: ".",
          udpPayloadSize: 1232,
          extendedRcode: 1,
          ednsVersion: 0,
          flags: 0,
          flag_do: false,
          options: [],
        },
      ],
    };
    reply(net, 0, badVers);
    reply(net, 1, badVers);
    expect(rcodes(client.answers)).toEqual(["SERVFAIL"]);
  });
});

describe("an upstream that knows no EDNS", () => {
  test.each([
    ["FORMERR", RCODE.formErr],
    ["NOTIMP", RCODE.notImp],
  ])("and says %s is asked again without it", (_name, rcode) => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    expect(decode(at(net.sent, 0).message).additionals).toHaveLength(1);
    reply(net, 0, { rcode });
    expect(decode(at(net.sent, 1).message).additionals).toHaveLength(0);
    net.receive({ to: at(net.sent, 1), message: good(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("and answers with a bare header is asked again without it", () => {
    const net = createFakeNetwork();
    net.ask({ name: NAME });
    const query = at(net.sent, 0);
    const header = Buffer.alloc(12);
    header.writeUInt16BE(query.attempt % 0x1_0000, 0);
    header.writeUInt16BE(FLAG.qr | RCODE.formErr, 2);
    net.receive({ to: query, message: header });
    expect(decode(at(net.sent, 1).message).additionals).toHaveLength(0);
  });

  test("and says so twice is asked again once", () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    reply(net, 0, { rcode: RCODE.formErr });
    reply(net, 0, { rcode: RCODE.formErr });
    expect(net.sent).toHaveLength(2);
    expect(client.answers).toEqual([]);
  });
});

describe("identical questions", () => {
  test("are asked once, and each client has its own id, letter case and EDNS", () => {
    const net = createFakeNetwork();
    const first = net.ask({ name: NAME, id: 1 });
    const second = net.ask({ name: NAME.toUpperCase(), id: 2, udpSize: 1232 });
    expect(net.sent).toHaveLength(1);
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    const [one, two] = [decode(at(first.answers, 0)), decode(at(second.answers, 0))];
    expect([one.id, two.id]).toEqual([1, 2]);
    expect([one.questions?.[0]?.name, two.questions?.[0]?.name]).toEqual([NAME, NAME.toUpperCase()]);
    expect([one.additionals?.length, two.additionals?.length]).toEqual([0, 1]);
    expect(renderRecords(one.answers)).toEqual(renderRecords(two.answers));
  });

  test("with other DNSSEC bits are asked apart", () => {
    const net = createFakeNetwork();
    net.ask({ name: NAME });
    net.ask({ name: NAME, udpSize: 1232, dnssecOk: true });
    net.ask({ name: NAME, flags: FLAG.rd | FLAG.cd });
    expect(net.sent).toHaveLength(3);
  });
});

test("a name that the policy denies while its lookup is under way is answered NXDOMAIN and not kept", () => {
  let decision = ALLOW;
  const net = createFakeNetwork({ policy: { decide: () => decision } });
  const client = net.ask({ name: NAME });
  decision = DENY;
  net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
  expect(rcodes(client.answers)).toEqual(["NXDOMAIN"]);
  decision = ALLOW;
  net.ask({ name: NAME });
  expect(net.sent).toHaveLength(2);
});

test("NXDOMAIN is final and passed on with its SOA", () => {
  const net = createFakeNetwork({ upstreams: 2 });
  const client = net.ask({ name: NAME });
  reply(net, 0, { rcode: RCODE.nxDomain, authorities: [soa("example.org", 60)] });
  const answer = decode(at(client.answers, 0));
  expect(rcodes(client.answers)).toEqual(["NXDOMAIN"]);
  expect(renderRecords(answer.authorities)).toHaveLength(1);
  expect(net.sent).toHaveLength(1);
});

test("a chain of CNAMEs to nothing is passed on", () => {
  const net = createFakeNetwork();
  const client = net.ask({ name: NAME });
  reply(net, 0, {
    rcode: RCODE.nxDomain,
    answers: [cname(NAME, "gone.example.org")],
    authorities: [soa("example.org", 60)],
  });
  const answer = decode(at(client.answers, 0));
  expect(rcodes(client.answers)).toEqual(["NXDOMAIN"]);
  expect(renderRecords(answer.answers)).toEqual([`${NAME} CNAME "gone.example.org"`]);
});

describe("when the kernel refuses addresses", () => {
  test("only the answer that brought them becomes SERVFAIL", () => {
    let queued: string[] = [];
    const net = createFakeNetwork({
      admission: {
        learn: (qname) => void queued.push(qname),
        commit() {
          const isBad = queued.includes("bad.example.org");
          queued = [];
          return !isBad;
        },
      },
    });
    const names = ["one.example.org", "bad.example.org", "two.example.org"];
    const clients = names.map((name) => net.ask({ name }));
    net.receive(...net.sent.map((to) => ({ to, message: good(to) })));
    expect(clients.flatMap(({ answers }) => rcodes(answers))).toEqual(["NOERROR", "SERVFAIL", "NOERROR"]);
    expect(net.events).toContain("failed bad.example.org kernel");
  });
});

describe("too many at once", () => {
  test("lookups: the next is answered SERVFAIL, those under way go on", () => {
    const net = createFakeNetwork({ maxLookups: 2 });
    const early = net.askTogether([{ name: "a.example.org" }, { name: "b.example.org" }]);
    const late = net.ask({ name: "c.example.org" });
    expect(rcodes(late.answers)).toEqual(["SERVFAIL"]);
    net.receive(...net.sent.map((to) => ({ to, message: good(to) })));
    expect(rcodes(early.answers)).toEqual(["NOERROR", "NOERROR"]);
    expect(net.ask({ name: "c.example.org" }).answers).toEqual([]);
  });

  test("clients: what memory knows is still answered", () => {
    const net = createFakeNetwork({ maxWaiters: 68, maxLookups: 2 });
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    const waiting = net.client();
    for (let i = 0; i < 70; i++) net.ask({ name: "slow.example.org", id: i }, waiting);
    expect(rcodes(waiting.answers)).toContain("SERVFAIL");
    expect(rcodes(net.ask({ name: NAME }).answers)).toEqual(["NOERROR"]);
  });
});

test("no lookup leaves a row or an attempt behind, however it ends", async () => {
  const net = createFakeNetwork({ upstreams: 2, maxLookups: 4, maxWaiters: 80, timeoutMs: 1000 });
  for (let round = 0; round < 100; round++) {
    const client = net.client();
    for (const name of ["a", "b", "c", "d"]) net.ask({ name: `${name}${round}.example.org` }, client);
    const [first, second, third] = net.sent.slice(-4);
    if (first && second && third) {
      net.receive({ to: first, message: good(first) });
      net.receive({ to: second, message: answerTo(second.message, { truncated: true }) });
      net.receive({ to: third, message: answerTo(third.message, { rcode: RCODE.servFail }) });
    }
    net.advance(1000);
    await at(net.tcp, -1).answer(undefined);
    expect(client.answers).toHaveLength(4);
    expect(net.engine.underWay()).toBe(0);
  }
});
