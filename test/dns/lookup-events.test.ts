import { describe, expect, test } from "vitest";
import type { Decision } from "../../src/policy/decision.ts";
import { allowByDefault } from "../support/policy.ts";
import { ALLOW, at, createFakeNetwork, DENY, type FakeNetworkOptions } from "./support/fake-network.ts";
import { a, answerTo, nameOf, RCODE, soa } from "./support/messages.ts";
import { good, NAME, reply } from "./support/replies.ts";

const [RULE] = allowByDefault("allow *.example.org").egress;
const BY_RULE: Decision = { action: "allow", layer: "user", rule: RULE };

function network(options: FakeNetworkOptions = {}) {
  return createFakeNetwork({
    upstreams: 2,
    ...options,
    policy: { decide: () => BY_RULE, ...options.policy },
  });
}

describe("what is told of a lookup", () => {
  test("that an upstream answered: the type, what allowed it, which upstream, how long, and the addresses", () => {
    const net = network();
    net.ask({ name: NAME });
    net.advance(350);
    expect(at(net.sent, 1).upstream).toBe(1);
    const { message } = at(net.sent, 1);
    const records = [1, 2].map((last) => a(nameOf(message), `198.51.100.${last}`));
    net.receive({ to: at(net.sent, 1), message: answerTo(message, { answers: records }) });
    expect(net.lookups).toEqual([
      {
        qname: NAME,
        text: NAME,
        qtype: 1,
        outcome: "answered",
        decision: BY_RULE,
        rcode: RCODE.noError,
        upstream: 1,
        durationMs: 350,
        nowMs: net.nowMs,
        withheldCount: 0,
        addresses: ["c6336401", "c6336402"],
      },
    ]);
  });

  test("that the cache answered: no upstream, no time", () => {
    const net = network();
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    net.ask({ name: NAME });
    expect(net.lookups[1]).toMatchObject({
      outcome: "answered",
      decision: BY_RULE,
      upstream: undefined,
      durationMs: 0,
      addresses: ["c6336401"],
    });
  });

  test("that each client that waits for one answer has it", () => {
    const net = network();
    net.askTogether([{ name: NAME }, { name: NAME }]);
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(net.lookups.map(({ outcome, upstream }) => [outcome, upstream])).toEqual([
      ["answered", 0],
      ["answered", 0],
    ]);
  });

  test("that there is no such name", () => {
    const net = network();
    net.ask({ name: NAME });
    reply(net, 0, { rcode: RCODE.nxDomain });
    expect(net.lookups).toMatchObject([{ outcome: "nxdomain", rcode: RCODE.nxDomain, addresses: [] }]);
  });

  test("that there is nothing of the type, from an upstream and from the cache", () => {
    const net = network();
    net.ask({ name: NAME, type: "AAAA" });
    reply(net, 0, { authorities: [soa(NAME, 60)] });
    net.ask({ name: NAME, type: "AAAA" });
    expect(net.lookups).toMatchObject([
      { outcome: "nodata", qtype: 28, upstream: 0 },
      { outcome: "nodata", qtype: 28, upstream: undefined },
    ]);
  });

  test("that all addresses were taken out, and the first of them", () => {
    const net = network({ policy: { admitsAddress: () => false } });
    net.ask({ name: NAME });
    const records = [1, 2].map((last) => a(NAME, `198.51.100.${last}`));
    reply(net, 0, { answers: records });
    expect(net.lookups).toMatchObject([
      { outcome: "withheld", rcode: RCODE.noError, addresses: [], withheldCount: 2, withheld: "c6336401" },
    ]);
  });

  test("that some were taken out, by the lookup that asked, is an answer with the others", () => {
    const net = network({ policy: { admitsAddress: (octets, start) => octets[start + 3] === 2 } });
    net.ask({ name: NAME });
    reply(net, 0, { answers: [1, 2].map((last) => a(NAME, `198.51.100.${last}`)) });
    net.ask({ name: NAME });
    expect(net.lookups).toMatchObject([
      { outcome: "answered", addresses: ["c6336402"], withheldCount: 1, withheld: "c6336401" },
      { outcome: "answered", addresses: ["c6336402"], withheldCount: 0 },
    ]);
    expect(net.lookups[1]).not.toHaveProperty("withheld");
  });

  test("that every upstream said that it can't", () => {
    const net = network({ upstreams: 1 });
    net.ask({ name: NAME });
    reply(net, 0, { rcode: RCODE.servFail });
    net.advance(5000);
    expect(net.lookups).toMatchObject([{ outcome: "rcode", rcode: RCODE.servFail }]);
  });

  test("that the policy denied it, by its text if no rule can speak of the name", () => {
    const net = network({ policy: { decide: () => DENY } });
    net.ask({ name: NAME });
    net.ask({ name: "a b.example.org" });
    expect(net.lookups).toMatchObject([
      { outcome: "denied", qname: NAME, text: NAME, decision: DENY, rcode: RCODE.nxDomain },
      { outcome: "denied", qname: undefined, text: "a\\032b.example.org", decision: undefined },
    ]);
  });

  test("that the policy denied it while it was under way", () => {
    let decision = ALLOW;
    const net = network({ policy: { decide: () => decision } });
    net.ask({ name: NAME });
    decision = DENY;
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(net.lookups).toMatchObject([{ outcome: "denied", decision: DENY, addresses: [] }]);
  });

  test.each<[string, FakeNetworkOptions, string]>([
    ["a bound kept it back", { bounds: { namesPerMinute: 0, lookupsPerMinute: 1 } }, "limited"],
    ["too many were under way", { maxLookups: 1 }, "overload"],
  ])("that %s", (_what, options, outcome) => {
    const net = network(options);
    net.ask({ name: NAME });
    net.ask({ name: `x.${NAME}`, udpSize: 1232 });
    expect(net.lookups).toMatchObject([{ outcome, decision: BY_RULE, rcode: RCODE.servFail }]);
  });

  test("that its type is never asked for", () => {
    const net = network();
    net.ask({ name: NAME, type: "AXFR" });
    expect(net.lookups).toMatchObject([{ outcome: "own", qtype: 252, rcode: RCODE.refused }]);
  });

  test("that no upstream answered, with the one asked last, the rcode that the client gets and the time", () => {
    const net = network({ timeoutMs: 2000 });
    net.ask({ name: NAME });
    net.advance(2000);
    expect(net.lookups).toMatchObject([
      { outcome: "upstream", rcode: RCODE.servFail, upstream: 0, durationMs: 2000, addresses: [] },
    ]);
  });

  test("that the kernel refused the addresses, which are not told", () => {
    const net = network({ admission: { commit: () => false } });
    net.ask({ name: NAME });
    net.receive({ to: at(net.sent, 0), message: good(at(net.sent, 0)) });
    expect(net.lookups).toMatchObject([
      { outcome: "kernel", rcode: RCODE.servFail, upstream: 0, addresses: [] },
    ]);
  });
});
