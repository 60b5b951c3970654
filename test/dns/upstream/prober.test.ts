import { describe, expect, test } from "vitest";
import { nameOf as parsedName } from "../../support/policy.ts";
import { at, createFakeNetwork, type FakeNetwork } from "../support/fake-network.ts";
import { answerTo, decode, nameOf, RCODE } from "../support/messages.ts";
import { good, NAME, rcodes, upstreamsAsked } from "../support/replies.ts";

/** A network whose prober's clock is `pass`, with two upstreams, an interval of 30 s and 3 s to answer. */
function createProbed(qname = "."): {
  readonly net: FakeNetwork;
  readonly lines: string[];
  readonly waiting: () => number;
  pass(ms: number): void;
} {
  const timers: { dueMs: number; run: () => void }[] = [];
  const lines: string[] = [];
  let nowMs = 0;
  const net = createFakeNetwork({
    upstreams: 2,
    timeoutMs: 3000,
    probes: {
      qname: parsedName(qname),
      intervalMs: 30_000,
      upstreams: [
        { address: "192.0.2.1", port: 53 },
        { address: "2001:db8::1", port: 5353 },
      ],
      probeFailed: (_upstream, line) => void lines.push(line),
      schedule(delayMs, run) {
        const timer = { dueMs: nowMs + delayMs, run };
        timers.push(timer);
        return () => void timers.splice(timers.indexOf(timer), 1);
      },
    },
  });
  return {
    net,
    lines,
    waiting: () => timers.length,
    pass(ms) {
      for (const end = nowMs + ms; ;) {
        const next = timers.toSorted((a, b) => a.dueMs - b.dueMs)[0];
        if (next === undefined || next.dueMs > end) {
          nowMs = end;
          return;
        }
        timers.splice(timers.indexOf(next), 1);
        nowMs = next.dueMs;
        next.run();
      }
    },
  };
}

describe("every interval", () => {
  test("each upstream is asked for the root's name servers", () => {
    const { net, pass } = createProbed();
    pass(29_999);
    expect(net.sent).toEqual([]);
    pass(1);
    expect(upstreamsAsked(net)).toEqual([0, 1]);
    expect(decode(at(net.sent, 0).message).questions).toMatchObject([{ name: ".", type: "NS", class: "IN" }]);
  });

  test("or for the addresses of the name that is set", () => {
    const { net, pass } = createProbed("probe.example.org");
    pass(30_000);
    expect(decode(at(net.sent, 0).message).questions).toMatchObject([
      { name: "probe.example.org", type: "A" },
    ]);
  });

  test("and the next round begins one interval after the last", () => {
    const { net, pass } = createProbed();
    for (let round = 1; round <= 3; round++) {
      pass(30_000);
      expect(net.sent).toHaveLength(2 * round);
      for (const to of net.sent.slice(-2)) net.receive({ to, message: answerTo(to.message) });
    }
  });
});

test.each([
  ["NOERROR", RCODE.noError],
  ["SERVFAIL", RCODE.servFail],
  ["REFUSED", RCODE.refused],
])("%s is a sign of life", (_name, rcode) => {
  const { net, lines, pass } = createProbed();
  pass(30_000);
  for (const to of net.sent) net.receive({ to, message: answerTo(to.message, { rcode }) });
  pass(3000);
  expect(lines).toEqual([]);
  expect(net.sent).toHaveLength(2);
});

describe("an upstream that does not answer three queries", () => {
  test("is told of by its endpoint, once a round", () => {
    const { net, lines, pass } = createProbed();
    pass(30_000);
    net.receive({ to: at(net.sent, 0), message: answerTo(at(net.sent, 0).message) });
    pass(2999);
    expect(lines).toEqual([]);
    expect(upstreamsAsked(net)).toEqual([0, 1, 1, 1]);
    pass(1);
    expect(lines).toEqual(["[dns] upstream probe: 2001:db8::1 port 5353 did not answer . NS within 3000 ms"]);
    pass(30_000);
    expect(lines).toHaveLength(3);
  });

  test("comes last until a probe of it is answered", () => {
    const { net, lines, pass } = createProbed();
    pass(30_000);
    net.receive({ to: at(net.sent, 1), message: answerTo(at(net.sent, 1).message) });
    pass(3000);
    expect(lines).toHaveLength(1);
    net.ask({ name: NAME });
    expect(at(net.sent, -1)).toMatchObject({ upstream: 1 });
    pass(27_000);
    const probe = at(
      net.sent.filter(({ upstream }) => upstream === 0),
      -1,
    );
    expect(nameOf(probe.message)).toBe(".");
    net.receive({ to: probe, message: answerTo(probe.message) });
    net.ask({ name: "two.example.org" });
    expect(at(net.sent, -1)).toMatchObject({ upstream: 0 });
  });

  test("is one that no socket can be had for, too", () => {
    const { net, lines, pass } = createProbed();
    net.unreachable.add(0).add(1);
    pass(33_000);
    expect(lines).toHaveLength(2);
  });
});

test("probes and lookups do not take each other's answers", () => {
  const { net, pass } = createProbed();
  pass(30_000);
  const client = net.ask({ name: NAME });
  const [probe, , lookup] = net.sent;
  if (!probe || !lookup) throw new Error("nothing sent");
  net.receive({ to: probe, message: good(lookup) }, { to: lookup, message: answerTo(probe.message) });
  expect(client.answers).toEqual([]);
  net.receive({ to: lookup, message: good(lookup) });
  expect(rcodes(client.answers)).toEqual(["NOERROR"]);
});

test("nothing is scheduled once the engine has been abandoned, and one thing at a time before", () => {
  const { net, pass, waiting } = createProbed();
  expect(waiting()).toBe(1);
  pass(31_000);
  expect(waiting()).toBe(1);
  net.engine.abandon();
  expect(waiting()).toBe(0);
});
