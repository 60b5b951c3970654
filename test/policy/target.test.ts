import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseTarget } from "../../src/policy/target.ts";
import { anyText } from "./arbitraries.ts";
import { messagesOf, target } from "../support/policy.ts";

const label61 = "a".repeat(61);

describe("a target keeps its spelling and has a canonical key", () => {
  test.each([
    ["example.org", "name", "example.org"],
    [" Example.ORG. ", "name", "example.org"],
    ["localhost", "name", "localhost"],
    ["_dmarc.example.org", "name", "_dmarc.example.org"],
    ["xn--mnchen-3ya.example", "name", "xn--mnchen-3ya.example"],
    ["münchen.example", "name", "xn--mnchen-3ya.example"],
    ["7.2.0.192.in-addr.arpa", "name", "7.2.0.192.in-addr.arpa"],
    ["1password.example", "name", "1password.example"],
    ["*.example.org", "wildcard", "*.example.org"],
    ["\t*.Example.ORG.\r\n", "wildcard", "*.example.org"],
    ["*.com", "wildcard", "*.com"],
    ["*.münchen.example", "wildcard", "*.xn--mnchen-3ya.example"],
    ["192.0.2.7", "prefix", "192.0.2.7"],
    ["192.0.2.7.", "prefix", "192.0.2.7"],
    ["192.0.2.7/32", "prefix", "192.0.2.7"],
    ["192.0.2.7/24", "prefix", "192.0.2.0/24"],
    ["2001:DB8:0:0::7", "prefix", "2001:db8::7"],
    ["2001:db8::7/32", "prefix", "2001:db8::/32"],
    ["::ffff:192.0.2.7", "prefix", "192.0.2.7"],
    ["::ffff:192.0.2.7/120", "prefix", "192.0.2.0/24"],
    ["0.0.0.0/0", "prefix", "0.0.0.0/0"],
    ["::/0", "prefix", "::/0"],
  ])("%j is the %s %s", (text, kind, key) => {
    expect(target(text)).toMatchObject({ kind, key, text });
  });
});

describe("a target that can never match is refused with the reason and the remedy", () => {
  test.each([
    ["", "is blank"],
    [" \t", "is blank"],
    [".", "is the root"],
    ["..", "empty label"],
    ["*", "use defaultAction"],
    ["*.", "use defaultAction"],
    ["*..", "is the root"],
    ["**.example.org", "wrong place"],
    ["*.*.com", "wrong place"],
    ["a.*.com", "wrong place"],
    ["*foo.com", "wrong place"],
    ["foo*.com", "wrong place"],
    ["*example", "wrong place"],
    [".example.org", "write *.example.org"],
    ["a..example.org", "empty label"],
    ["https://x", "is a URL"],
    ["https://192.0.2.7/a", "is a URL"],
    ["1.2.3.4:443", "has a port"],
    ["example.org:443", "has a port"],
    ["*.example.org:443", "has a port"],
    ["example.org:443/a", "port or a path"],
    ["example.org/", "has a path"],
    ["example.org/24", "has a path"],
    ["/24", "has a path"],
    ["*/24", "has a path"],
    ["10.0.0.0/33", "from 0 to 32"],
    ["10.0.0.0/255.0.0.0", "from 0 to 32"],
    ["10.0.0.0/", "from 0 to 32"],
    ["2001:db8::/129", "from 0 to 128"],
    ["10.0.0.0 /8", "blank"],
    ["a b.com", "blank"],
    ["a.com,b.com", "separator"],
    ["[::1]", "brackets"],
    ["[2001:db8::1]:443", "brackets"],
    ["fe80::1%eth0", "zone"],
    ["fe80::%eth0/64", "zone"],
    ["user@example.org", "user part"],
    ["::1::", "is not an IPv6 address"],
    ["2001:db8::g", "is not an IPv6 address"],
    ["1.2.3", "ends in a number"],
    ["256.1.1.1", "ends in a number"],
    ["010.0.0.1", "ends in a number"],
    ["10.0.0.1-10.0.0.9", "ends in a number"],
    ["0x7f000001", "ends in a number"],
    ["2130706433", "ends in a number"],
    ["１.２.３.４", "ends in a number"],
    ["*.192.0.2.7", "ends in a number"],
    ["ex\0ample.org", "which no host name has"],
    ["$HOST", "which no host name has"],
    [`${label61}aaa.example`, "more than 63"],
    [`*.${label61}aaa.example`, "more than 63"],
    [`${`${label61}.`.repeat(4)}aaaaaaa`, "more than 253"],
    [`*.${`${label61}.`.repeat(4)}aaaa`, "can have no name below it"],
  ])("%j", (text, reason) => {
    expect(messagesOf(parseTarget(text)).join()).toContain(reason);
  });
});

test("the longest wildcard has room for one octet in front", () => {
  expect(target(`*.${`${label61}.`.repeat(4)}aaa`).key).toHaveLength(253);
});

test("a key is read as itself", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseTarget(text);
      const read = parsed.ok ? parsed.value : target("example.org");
      expect(target(read.key)).toEqual({ ...read, text: read.key });
    }),
  );
});

test("a refusal is one printable line", () => {
  fc.assert(
    fc.property(anyText, (text) => {
      const parsed = parseTarget(text);
      const messages = parsed.ok ? [] : messagesOf(parsed);
      expect(messages.join()).toMatch(/^(?:[^\p{C}\p{Z}]| )*$/u);
    }),
  );
});
