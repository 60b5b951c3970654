import { describe, expect, test } from "vitest";
import { at, createFakeNetwork } from "../support/fake-network.ts";
import { a, answerTo, decode, nameOf, RCODE } from "../support/messages.ts";
import { good, NAME, rcodes, reply, upstreamsAsked } from "../support/replies.ts";

describe("a truncated answer", () => {
  test("is asked for again over TCP, and the whole one goes out", async () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    reply(net, 0, { truncated: true });
    const query = at(net.tcp, 0);
    await query.answer(good(query));
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
    expect(decode(at(client.answers, 0)).answers).toHaveLength(1);
  });

  test("is so even where it was cut in the middle of a record", async () => {
    const net = createFakeNetwork();
    net.ask({ name: NAME });
    const query = at(net.sent, 0);
    const whole = answerTo(query.message, {
      truncated: true,
      answers: [a(nameOf(query.message), "198.51.100.1")],
    });
    net.receive({ to: query, message: whole.subarray(0, -3) });
    expect(net.tcp).toHaveLength(1);
  });

  test("that comes a second time is not taken for the whole", async () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    reply(net, 0, { truncated: true });
    net.advance(100);
    reply(net, 0, { truncated: true });
    expect(client.answers).toEqual([]);
    const query = at(net.tcp, 0);
    await query.answer(good(query));
    expect(decode(at(client.answers, 0)).answers).toHaveLength(1);
  });

  test("over TCP as well is no answer", async () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    reply(net, 0, { truncated: true });
    const query = at(net.tcp, 0);
    await query.answer(answerTo(query.message, { truncated: true }));
    expect(rcodes(client.answers)).toEqual(["SERVFAIL"]);
  });

  test("of a second upstream does not end the wait for the first one's TCP", async () => {
    const net = createFakeNetwork({ upstreams: 2 });
    const client = net.ask({ name: NAME });
    net.advance(300);
    reply(net, 0, { truncated: true });
    reply(net, 1, { truncated: true });
    expect(client.answers).toEqual([]);
    const query = at(net.tcp, 0);
    await query.answer(good(query));
    expect(decode(at(client.answers, 0)).answers).toHaveLength(1);
  });

  test("whose upstream is silent over TCP leaves time for the next upstream", async () => {
    const net = createFakeNetwork({ upstreams: 2, timeoutMs: 4000 });
    const client = net.ask({ name: NAME });
    reply(net, 0, { truncated: true });
    expect(at(net.tcp, 0).timeoutMs).toBe(2000);
    await at(net.tcp, 0).answer(undefined);
    expect(upstreamsAsked(net)).toEqual([0, 1]);
    net.receive({ to: at(net.sent, 1), message: good(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("leaves TCP no longer than the lookup has", () => {
    const net = createFakeNetwork({ timeoutMs: 4000 });
    net.ask({ name: NAME });
    net.advance(1000);
    reply(net, 0, { truncated: true });
    expect(at(net.tcp, 0).timeoutMs).toBe(3000);
  });

  test("a bad answer over UDP does not end a lookup that waits for TCP", async () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    net.advance(300);
    reply(net, 0, { truncated: true });
    reply(net, 1, { rcode: RCODE.servFail });
    expect(client.answers).toEqual([]);
    const query = at(net.tcp, 0);
    await query.answer(good(query));
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("an answer over UDP that comes first is taken, and TCP's is dropped", async () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    net.advance(300);
    reply(net, 0, { truncated: true });
    net.receive({ to: at(net.sent, 1), message: good(at(net.sent, 1)) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
    const other = net.ask({ name: "two.example.org" });
    const query = at(net.tcp, 0);
    await query.answer(good(query));
    expect(other.answers).toEqual([]);
    expect(client.answers).toHaveLength(1);
  });
});
