/**
 * Names that are answered without an upstream: denied ones above others that are allowed, the root, loopback.
 */
import { describe, expect, test } from "vitest";
import { allowsBelow, decideName } from "../../src/policy/decide-name.ts";
import { allowByDefault, compiled, denyByDefault } from "../support/policy.ts";
import type { Policy } from "../../src/policy/policy.ts";
import { at, createFakeNetwork, type FakeNetwork } from "./support/fake-network.ts";
import { decode, extendedError, type QueryText, RCODE, rcodeOf, renderRecords } from "./support/messages.ts";
import { good } from "./support/replies.ts";

function network(policy: Policy): FakeNetwork {
  const rules = compiled(policy);
  return createFakeNetwork({
    policy: {
      decide: (qname) => decideName(rules, qname),
      allowsBelow: (qname) => allowsBelow(rules, qname),
    },
  });
}

function ask(net: FakeNetwork, name: string, type: NonNullable<QueryText["type"]> = "A"): Buffer {
  const { answers } = net.ask({ name, type, udpSize: 1232 });
  expect(net.sent).toEqual([]);
  return at(answers, 0);
}

describe("a denied name", () => {
  const net = network(denyByDefault("allow api.deep.example", "allow *.wild.example"));
  test.each([
    ["deep.example", "A", "NOERROR"],
    ["example", "DS", "NOERROR"],
    ["wild.example", "AAAA", "NOERROR"],
    [".", "NS", "NOERROR"],
    [".", "DNSKEY", "NOERROR"],
    ["x.deep.example", "A", "NXDOMAIN"],
    ["x.api.deep.example", "A", "NXDOMAIN"],
    ["eep.example", "A", "NXDOMAIN"],
  ] as const)(
    "%s %s is %s: a name above an allowed one is there (RFC 8020), and blocked",
    (name, type, rcode) => {
      const answer = ask(net, name, type);
      expect(rcodeOf(answer)).toBe(rcode);
      const named = name === "." ? "this name" : name;
      expect(extendedError(answer)).toEqual({ code: 15, text: `no rule allows ${named}` });
      const { answers, authorities } = decode(answer);
      expect([answers, authorities?.map((record) => record.type)]).toEqual([[], ["SOA"]]);
    },
  );

  test("is there where the default action allows what is below it", () => {
    const open = network(allowByDefault("deny example.org", "deny *.example.com", "deny example.com"));
    expect(rcodeOf(ask(open, "example.org"))).toBe("NOERROR");
    expect(rcodeOf(ask(open, "example.com"))).toBe("NXDOMAIN");
    expect(open.lookups.map(({ outcome, rcode }) => [outcome, rcode])).toEqual([
      ["denied", RCODE.noError],
      ["denied", RCODE.nxDomain],
    ]);
  });

  test("is there also if a change denies it while it is asked for", () => {
    let rules = compiled(denyByDefault("allow deep.example"));
    const changing = createFakeNetwork({
      policy: {
        decide: (qname) => decideName(rules, qname),
        allowsBelow: (qname) => allowsBelow(rules, qname),
      },
    });
    const client = changing.ask({ name: "deep.example" });
    rules = compiled(denyByDefault("allow api.deep.example"));
    changing.receive({ to: at(changing.sent, 0), message: good(at(changing.sent, 0)) });
    expect(client.answers.map(rcodeOf)).toEqual(["NOERROR"]);
    expect(decode(at(client.answers, 0)).answers).toEqual([]);
  });
});

describe.each([
  ["denies all", denyByDefault()],
  ["denies localhost", denyByDefault("deny localhost", "deny *.localhost")],
  ["allows all", allowByDefault()],
])("under a policy that %s", (_what, policy) => {
  const net = network(policy);
  test.each<[string, NonNullable<QueryText["type"]>, readonly string[]]>([
    ["localhost", "A", ['localhost A "127.0.0.1"']],
    ["LocalHost", "AAAA", ['localhost AAAA "::1"']],
    ["app.localhost", "A", ['app.localhost A "127.0.0.1"']],
    ["a.b.localhost", "AAAA", ['a.b.localhost AAAA "::1"']],
    ["localhost", "MX", []],
    ["localhost", "CAA", []],
    ["1.0.0.127.in-addr.arpa", "PTR", ['1.0.0.127.in-addr.arpa PTR "localhost"']],
    ["1.0.0.127.in-addr.arpa", "A", []],
    [`1.${"0.".repeat(31)}ip6.arpa`, "PTR", [`1.${"0.".repeat(31)}ip6.arpa PTR "localhost"`]],
  ])("%s %s is loopback (RFC 6761 section 6.3)", (name, type, wanted) => {
    const answer = ask(net, name, type);
    expect(rcodeOf(answer)).toBe("NOERROR");
    expect(renderRecords(decode(answer).answers)).toEqual(wanted);
  });
});

test.each(["xlocalhost", "localhost.example", "1.0.0.127.in-addr.arpa.example", "2.0.0.127.in-addr.arpa"])(
  "%s is no name of loopback",
  (name) => {
    expect(decode(ask(network(denyByDefault()), name)).answers).toEqual([]);
    expect(rcodeOf(ask(network(denyByDefault()), name))).toBe("NXDOMAIN");
  },
);
