import { describe, expect, test } from "vitest";
import { at, createFakeNetwork, type SentQuery } from "../support/fake-network.ts";
import { a, answerTo, decode, encode, nameOf } from "../support/messages.ts";
import { good, NAME, rcodes } from "../support/replies.ts";

/** The upstream's good answer with the question in lower case. */
const lowerCased = (query: { readonly message: Buffer }): Buffer => {
  const asked = decode(query.message);
  return answerTo(encode({ ...asked, questions: [{ type: "A", name: NAME }] }), {
    answers: [a(NAME, "198.51.100.1")],
  });
};

describe("an answer that is not to what was asked is ignored", () => {
  const others: readonly [string, (sent: SentQuery) => Buffer][] = [
    [
      "another name",
      (sent) => answerTo(encode({ ...decode(sent.message), questions: [{ type: "A", name: "x" }] })),
    ],
    [
      "another type",
      (sent) =>
        answerTo(
          encode({ ...decode(sent.message), questions: [{ type: "AAAA", name: nameOf(sent.message) }] }),
        ),
    ],
    ["a query", (sent) => Buffer.from(sent.message)],
    ["half a header", (sent) => good(sent).subarray(0, 7)],
    [
      "two questions",
      (sent) => {
        const message = good(sent);
        message.writeUInt16BE(2, 4);
        return message;
      },
    ],
  ];
  test.each(others)("%s", (_what, forge) => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    const query = at(net.sent, 0);
    net.receive({ to: query, message: forge(query) });
    expect(client.answers).toEqual([]);
    expect(net.tcp).toEqual([]);
    net.receive({ to: query, message: good(query) });
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("another id or another socket", () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    const query = at(net.sent, 0);
    net.receive({ to: { ...query, attempt: query.attempt + 1 }, message: good(query) });
    net.receive({ to: { ...query, attempt: query.attempt + 0x1_0000 }, message: good(query) });
    expect(client.answers).toEqual([]);
  });

  test("one that comes after the lookup is over", () => {
    const net = createFakeNetwork();
    const client = net.ask({ name: NAME });
    const query = at(net.sent, 0);
    net.receive({ to: query, message: good(query) });
    const other = net.ask({ name: "two.example.org" });
    net.receive({ to: query, message: good(query) });
    expect(client.answers).toHaveLength(1);
    expect(other.answers).toEqual([]);
  });
});

describe("an upstream that changes letter case", () => {
  test("is asked over TCP, where no one can forge, and believed there", async () => {
    const net = createFakeNetwork({ randomOctet: () => 0x20 });
    const client = net.ask({ name: NAME });
    const query = at(net.sent, 0);
    expect(nameOf(query.message)).toBe(NAME.toUpperCase());
    net.receive({ to: query, message: lowerCased(query) });
    expect(client.answers).toEqual([]);
    await at(net.tcp, 0).answer(lowerCased(at(net.tcp, 0)));
    expect(rcodes(client.answers)).toEqual(["NOERROR"]);
  });

  test("is asked in lower case from then on, over UDP", async () => {
    const net = createFakeNetwork({ randomOctet: () => 0x20 });
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: lowerCased(at(net.sent, 0)) });
    await at(net.tcp, 0).answer(lowerCased(at(net.tcp, 0)));
    net.advance(100_000);
    net.ask({ name: "TWO.example.org" });
    expect(nameOf(at(net.sent, 1).message)).toBe("two.example.org");
  });
});
