import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  parseWrittenRemoval,
  parseWrittenRule,
  renderWrittenRule,
} from "../../../src/cli/call/written-rule.ts";
import { renderRemoval } from "../../../src/policy/edit.ts";
import { flowsOfScope } from "../../../src/policy/scope.ts";
import { EVERY_FLOW, NO_FLOWS, unionOf } from "../../../src/policy/flow-set.ts";
import { renderRule, ruleKey, type Rule } from "../../../src/policy/rule.ts";
import { messagesOf, policyOf, valueOf } from "../../support/policy.ts";

test.each([
  ["example.org", "example.org"],
  ["db.example.org:5432", "db.example.org tcp/5432"],
  ["DB.example.org.:5432", "db.example.org tcp/5432"],
  ["bücher.example:443", "xn--bcher-kva.example tcp/443"],
  ["*.example.org:8000-8080/TCP", "*.example.org tcp/8000-8080"],
  ["192.0.2.0/24:53/udp", "192.0.2.0/24 udp/53"],
  ["192.0.2.7/icmp", "192.0.2.7 icmp"],
  ["192.0.2.0/24/udp", "192.0.2.0/24 udp"],
  ["example.org/udp", "example.org udp"],
  ["[2001:db8::7]:443", "2001:db8::7 tcp/443"],
  ["[2001:DB8:0::/32]:443/udp", "2001:db8::/32 udp/443"],
  ["[2001:db8::7]/icmp", "2001:db8::7 icmp"],
  ["[::ffff:192.0.2.7]:443", "192.0.2.7 tcp/443"],
  ["2001:db8::443", "2001:db8::443"],
  ["*:25", "* tcp/25"],
  ["*/icmp", "* icmp"],
  ["db.example.org:5432/postgres", "db.example.org tcp/5432 app postgres"],
  ["git.example.org/SSH", "git.example.org tcp app ssh"],
  ["192.0.2.0/24:22/ssh", "192.0.2.0/24 tcp/22 app ssh"],
  ["[2001:db8::7]:443/tls", "2001:db8::7 tcp/443 app tls"],
  ["*:80/http", "* tcp/80 app http"],
  ["example.org:25/any", "example.org tcp/25 app any"],
  ["example.org:1", "example.org tcp/1"],
  ["example.org:65535", "example.org tcp/65535"],
])("%s is read as %s", (word, key) => {
  expect(ruleKey(valueOf(parseWrittenRule("allow", word)))).toBe(key);
});

const REQUESTS = { methods: ["get", "HEAD"], paths: ["/repos/*"] };

test.each([
  ["api.example.org", REQUESTS, "api.example.org http GET,HEAD /repos/*"],
  ["*.example.org", { paths: ["/a", "/b"] }, "*.example.org http /a,/b"],
  ["api.example.org:80", { methods: ["GET"] }, "api.example.org tcp/80 http GET"],
])("%s with %j is read as %s, to be added and to be taken out", (word, requests, key) => {
  expect(ruleKey(valueOf(parseWrittenRule("allow", word, requests)))).toBe(key);
  const removal = valueOf(parseWrittenRemoval(word, requests));
  expect("kind" in removal && removal.kind === "rule" ? ruleKey(removal) : undefined).toBe(key);
});

test.each([
  ["192.0.2.7", { methods: ["GET"] }, "http: needs a name or a wildcard"],
  ["a.org:22", { methods: ["GET"] }, "ports: requests are read at ports 443 and 80 alone"],
  ["a.org", { methods: ["TRACE"] }, "--method: TRACE never passes"],
  ["a.org", { paths: ["repos"] }, "--path: "],
])("%s with %j is refused: %s", (word, requests, message) => {
  const read = parseWrittenRule("allow", word, requests);
  const told = read.ok ? "read" : read.problems.map(({ path, message: text }) => `${path}: ${text}`).join();
  expect(told).toContain(message);
});

test.each([
  "example.org:0",
  "example.org:65536",
  "example.org:8080-8000",
  "example.org:080",
  "example.org:80-",
  "example.org:-80",
  "example.org:",
  "example.org:443:80",
  "example.org:443,80",
  "example.org:https",
  "example.org:443/sctp",
  "example.org:443/icmp",
  "example.org:443/udp/tls",
  "example.org:443/smtp",
  "example.org/",
  "example.org/tcp/443",
  "[example.org",
  "2001:db8::/32:443",
  "[]:443",
  ":443",
  "443",
  "*",
  "https://example.org:443",
])("%s is refused", (word) => {
  expect(messagesOf(parseWrittenRule("allow", word)).join()).not.toBe("");
});

test("a target alone stands for all its rules where it is taken out, one with a port for that one", () => {
  expect(valueOf(parseWrittenRemoval("example.org"))).toMatchObject({ kind: "name" });
  expect(renderRemoval(valueOf(parseWrittenRemoval("[2001:db8::7]:443/udp")))).toEqual({
    target: "2001:db8::7",
    ports: ["443"],
    protocol: "udp",
  });
});

const anyRule = fc
  .record(
    {
      action: fc.constantFrom("allow", "deny"),
      target: fc.constantFrom(
        " Example.org.",
        "*.example.org",
        "192.0.2.0/24",
        "2001:db8::7",
        "2001:db8::/32",
      ),
      ports: fc.array(fc.oneof(fc.integer({ min: 1, max: 65_535 }), fc.constantFrom("1-5", "8000-8080")), {
        minLength: 1,
        maxLength: 3,
      }),
      protocol: fc.constantFrom("tcp", " UDP "),
    },
    { requiredKeys: ["action"] },
  )
  .filter(({ target, ports, protocol }) => [target, ports, protocol].some((said) => said !== undefined))
  .map((json) => policyOf({ egress: [json] }).egress[0])
  .filter((rule) => rule !== undefined);

const flowsOf = ({ action, scope }: Rule) => (scope === undefined ? EVERY_FLOW : flowsOfScope(action, scope));

test("the words of a rule mean what it means", () => {
  fc.assert(
    fc.property(anyRule, (rule) => {
      const { action, ...rest } = renderRule(rule);
      const read = renderWrittenRule(rest).map((word) => valueOf(parseWrittenRule(action, word)));
      expect(read.map(({ target }) => target.key)).toEqual(read.map(() => rule.target.key));
      expect(read.map(flowsOf).reduce(unionOf, NO_FLOWS)).toEqual(flowsOf(rule));
    }),
  );
});
