import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { isDomainName, parseDomainName } from "../../src/policy/domain-name.ts";
import { anyText } from "./arbitraries.ts";
import { messagesOf, valueOf } from "../support/policy.ts";

const label63 = "a".repeat(63);
const name253 = [label63, label63, label63, "a".repeat(61)].join(".");

describe("a name is read into its canonical form", () => {
  test.each([
    ["example.org", "example.org"],
    [" \tExample.ORG. ", "example.org"],
    [".", ""],
    ["localhost", "localhost"],
    ["_dmarc.example.org", "_dmarc.example.org"],
    ["-a-.example.org", "-a-.example.org"],
    ["münchen.example", "xn--mnchen-3ya.example"],
    ["MÜNCHEN.example", "xn--mnchen-3ya.example"],
    ["faß.example", "xn--fa-hia.example"],
    ["_x.münchen.example", "_x.xn--mnchen-3ya.example"],
    ["münchen。example。", "xn--mnchen-3ya.example"],
    ["XN--MNCHEN-3YA.example", "xn--mnchen-3ya.example"],
    [label63, label63],
    [name253, name253],
    [`${name253}.`, name253],
  ])("%j is %j", (text, name) => {
    expect(valueOf(parseDomainName(text))).toBe(name);
  });
});

describe("a text that is no name is refused with the reason", () => {
  test.each([
    ["", "is blank"],
    [" ", "is blank"],
    ["..", "empty label"],
    ["a..example", "empty label"],
    [".example.org", "empty label"],
    ["example.org..", "empty label"],
    ["mü..example", "empty label"],
    ["\u00ad.example", "empty label"],
    ["a b.example", 'has " "'],
    ["a/b", 'has "/"'],
    ["ü%41.example", 'has "%"'],
    ["ex\0a.example", "u{0}"],
    ["ü／x.example", "UTS 46"],
    ["ü：80.example", "UTS 46"],
    ["xn--ü.example", "UTS 46"],
    ["exa\u202emple.org", "UTS 46"],
    ["＊.example", "character that no host name has"],
    [`${label63}a.example`, "has 64 octets, more than 63"],
    [`${"ü".repeat(70)}.example`, "octets, more than 63"],
    [`${name253}a`, "has 254 octets, more than 253"],
    ["a".repeat(1025), "too long"],
  ])("%j", (text, reason) => {
    expect(messagesOf(parseDomainName(text)).join()).toContain(reason);
  });
});

test("what is read is canonical, and reading it again changes nothing", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseDomainName(text);
      const name = parsed.ok ? parsed.value : "";
      expect(isDomainName(name)).toBe(true);
      expect(valueOf(parseDomainName(`${name}.`))).toBe(name);
    }),
  );
});

test("canonical is what a plain pattern says it is", () => {
  const pattern = /^(?:[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*)?$/;
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...Array.from("aA0z9-_.. é/")), maxLength: 70 }),
      (text) => {
        expect(isDomainName(text)).toBe(pattern.test(text));
      },
    ),
  );
  expect(isDomainName(name253)).toBe(true);
  expect(isDomainName(`${name253}a`)).toBe(false);
  expect(isDomainName(`${label63}a`)).toBe(false);
});
