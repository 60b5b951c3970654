import { describe, expect, test } from "vitest";
import { at, createFakeNetwork, type FakeNetwork } from "./support/fake-network.ts";
import { a, answerTo, encodeQuery, extendedError, nameOf } from "./support/messages.ts";
import { good, rcodes, reply } from "./support/replies.ts";

const LIMITED_NAMES = { namesPerMinute: 2, lookupsPerMinute: 0 };

function ask(net: FakeNetwork, name: string, isStream = false): string | undefined {
  const before = net.sent.length;
  const client = net.ask({ name, udpSize: 1232 }, net.client(isStream));
  const to = net.sent.at(before);
  if (to !== undefined) net.receive({ to, message: good(to) });
  return rcodes(client.answers)[0];
}

describe("a lookup beyond the bound of its wildcard", () => {
  test.each([{ isStream: false }, { isStream: true }])(
    "never reaches an upstream, and fails for now only (over a stream: $isStream)",
    ({ isStream }) => {
      const net = createFakeNetwork({ bounds: LIMITED_NAMES });
      const names = ["a", "b", "c", "d"].map((label) => `${label}.example.org`);
      expect(names.map((name) => ask(net, name, isStream))).toEqual([
        "NOERROR",
        "NOERROR",
        "SERVFAIL",
        "SERVFAIL",
      ]);
      expect(net.sent.map(({ message }) => nameOf(message).toLowerCase())).toEqual(names.slice(0, 2));
      expect(net.engine.stats()).toMatchObject({ forwarded: 2, limited: 2, waiting: 0, underWay: 0 });
    },
  );

  test("says why to clients that speak EDNS, with no record that anyone could keep", () => {
    const net = createFakeNetwork({ bounds: { namesPerMinute: 0, lookupsPerMinute: 1 } });
    ask(net, "a.example.org");
    const client = net.ask({ name: "b.example.org", udpSize: 1232 });
    const answer = at(client.answers, 0);
    expect(extendedError(answer)).toEqual({ code: 18, text: "too many lookups this minute" });
    expect([answer.readUInt16BE(6), answer.readUInt16BE(8)]).toEqual([0, 0]);
  });

  test("is no data for clients without EDNS, which nobody can keep: musl waits out its time on any failure", () => {
    const net = createFakeNetwork({ bounds: { namesPerMinute: 0, lookupsPerMinute: 1 } });
    ask(net, "a.example.org");
    const answer = at(net.ask({ name: "b.example.org" }).answers, 0);
    expect(rcodes([answer])).toEqual(["NOERROR"]);
    expect([6, 8, 10].map((count) => answer.readUInt16BE(count))).toEqual([0, 0, 0]);
  });

  test("is told once a minute, however many there are", () => {
    const net = createFakeNetwork({ bounds: LIMITED_NAMES });
    for (let n = 0; n < 9; n++) ask(net, `n${n}.example.org`);
    net.advance(60_000);
    for (let n = 0; n < 9; n++) ask(net, `m${n}.example.org`);
    const told = net.events.filter((event) => event.startsWith("limited"));
    expect(told).toEqual(["limited example.org names", "limited example.org names"]);
  });

  test("does not keep others from being answered", () => {
    const net = createFakeNetwork({ bounds: LIMITED_NAMES });
    for (let n = 0; n < 9; n++) ask(net, `n${n}.example.org`);
    expect([ask(net, "a.example.com"), ask(net, "n0.example.org")]).toEqual(["NOERROR", "NOERROR"]);
  });
});

test("what memory answers does not count", () => {
  const net = createFakeNetwork({ bounds: { namesPerMinute: 0, lookupsPerMinute: 2 } });
  for (let n = 0; n < 9; n++) expect(ask(net, "a.example.org")).toBe("NOERROR");
  expect(ask(net, "b.example.org")).toBe("NOERROR");
});

test("lookups that wait for an answer that is under way do not count", () => {
  const net = createFakeNetwork({ bounds: { namesPerMinute: 0, lookupsPerMinute: 1 } });
  const query = encodeQuery({ name: "a.example.org" });
  const client = net.askTogether([query, query, query]);
  reply(net, 0, { answers: [a(nameOf(at(net.sent, 0).message), "198.51.100.1")] });
  expect(rcodes(client.answers)).toEqual(["NOERROR", "NOERROR", "NOERROR"]);
});

test("further tries of one lookup, also over TCP, do not count", async () => {
  const net = createFakeNetwork({ upstreams: 2, bounds: { namesPerMinute: 1, lookupsPerMinute: 1 } });
  const client = net.ask({ name: "a.example.org" });
  net.advance(300);
  reply(net, 1, { truncated: true });
  const query = at(net.tcp, 0);
  await query.answer(answerTo(query.message, { answers: [a(nameOf(query.message), "198.51.100.1")] }));
  expect(rcodes(client.answers)).toEqual(["NOERROR"]);
});
