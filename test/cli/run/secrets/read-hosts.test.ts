import { expect, test } from "vitest";
import { findReadHosts, isRuledByRequests } from "../../../../src/cli/run/secrets/read-hosts.ts";
import { policyOf } from "../../../support/policy.ts";

const http = { methods: ["GET"] };
const allow = (target: string, more: object = { http }): object => ({ action: "allow", target, ...more });
const readOf = (rules: readonly object[], ...hosts: readonly string[]): unknown =>
  findReadHosts(policyOf({ egress: rules }), [{ hosts }]).map((one) => [one.scheme, ...one.hosts]);

test.each<[what: string, rules: readonly object[], secrets: readonly string[], read: unknown]>([
  ["rules without http", [allow("a.org", {}), allow("a.org", { ports: [443] })], [], []],
  [
    "a rule's host, once",
    [allow("a.org"), allow("a.org", { http: { paths: ["/x"] } })],
    [],
    [["https", "a.org"]],
  ],
  ["a host that has a secret", [allow("a.org")], ["a.org"], []],
  ["a host below a secret's wildcard", [allow("b.a.org")], ["*.a.org"], []],
  ["a wildcard of which one host has a secret", [allow("*.a.org")], ["b.a.org"], [["https", "*.a.org"]]],
  ["the wildcard's own base", [allow("a.org")], ["*.a.org"], [["https", "a.org"]]],
  [
    "port 80 of a host with a secret",
    [allow("a.org", { http, ports: [80] })],
    ["a.org"],
    [["http", "a.org"]],
  ],
  [
    "both ports",
    [allow("a.org", { http, ports: [80, 443] })],
    [],
    [
      ["https", "a.org"],
      ["http", "a.org"],
    ],
  ],
])("%s", (_what, rules, secrets, read) => {
  expect(readOf(rules, ...secrets)).toEqual(read);
});

test.each([
  ["a.org", "a.org", true],
  ["*.a.org", "b.a.org", true],
  ["b.a.org", "*.a.org", true],
  ["*.b.a.org", "*.a.org", true],
  ["a.org", "*.a.org", false],
  ["ba.org", "*.a.org", false],
  ["a.org", "b.org", false],
])("a rule for requests to %s speaks of hosts of %s: %s", (target, pattern, speaks) => {
  const { egress } = policyOf({ egress: [allow(target), allow(pattern, {})] });
  expect(isRuledByRequests(egress, pattern)).toBe(speaks);
});
