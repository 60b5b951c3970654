import { describe, expect, test } from "vitest";
import { matchesHost, parseHostPattern, renderHostPattern } from "../../src/vault/host-pattern.ts";
import { messagesOf, qname, valueOf } from "../support/policy.ts";

describe("a host of a binding", () => {
  test.each([
    ["api.example.org", "api.example.org"],
    ["  API.Example.ORG. ", "api.example.org"],
    ["*.Example.org", "*.example.org"],
    ["*.a.b.example.org.", "*.a.b.example.org"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    [`${"a".repeat(63)}.example.org`, `${"a".repeat(63)}.example.org`],
  ])("%j is taken as %s", (text, shown) => {
    expect(renderHostPattern(valueOf(parseHostPattern(text)))).toBe(shown);
  });

  test.each([
    "",
    "  ",
    "localhost",
    "*",
    "*.",
    "*.org",
    "*.*.example.org",
    "api.*.example.org",
    "*api.example.org",
    "api..example.org",
    ".example.org",
    "api.example.org..",
    "api.example.org:443",
    "https://api.example.org",
    "api.example.org/v1",
    "user@api.example.org",
    "_sip.example.org",
    "bücher.example",
    "api.example.org\u0000.example.net",
    "192.0.2.7",
    "*.192.0.2.7",
    "192.0.2.0x7",
    "[2001:db8::1]",
    "2001:db8::1",
    `${"a".repeat(64)}.example.org`,
    `${"a.".repeat(126)}example`,
  ])("%j is refused in one line", (text) => {
    const [message, ...more] = messagesOf(parseHostPattern(text));
    expect(more).toEqual([]);
    expect(message).toMatch(/is blank|must be a fully qualified host name/);
    expect(message).not.toMatch(/[\n\0]/);
  });
});

test.each([
  ["api.example.org", "api.example.org", true],
  ["api.example.org", "x.api.example.org", false],
  ["api.example.org", "example.org", false],
  ["*.example.org", "api.example.org", true],
  ["*.example.org", "a.b.c.example.org", true],
  ["*.example.org", "example.org", false],
  ["*.example.org", "notexample.org", false],
  ["*.example.org", "api.example.org.evil.example", false],
])("%s matches %s: %s", (pattern, host, matches) => {
  expect(matchesHost(valueOf(parseHostPattern(pattern)), qname(host))).toBe(matches);
});
