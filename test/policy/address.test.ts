import * as fc from "fast-check";
import { BlockList, isIP } from "node:net";
import { describe, expect, test } from "vitest";
import { parseAddress, renderAddress, renderIpv6 } from "../../src/policy/address.ts";
import { parsePrefix, renderPrefix } from "../../src/policy/prefix.ts";
import { anyIpv4, anyIpv6, anyPrefix, anyText } from "./arbitraries.ts";
import { messagesOf, valueOf } from "../support/policy.ts";

const canonical = (text: string): string => renderAddress(valueOf(parseAddress(text)).octets);
const canonicalPrefix = (text: string): string => renderPrefix(valueOf(parsePrefix(text)));

describe("an address is shown in the form of RFC 5952", () => {
  test.each([
    ["192.0.2.7", "192.0.2.7"],
    ["0.0.0.0", "0.0.0.0"],
    ["::", "::"],
    ["::1", "::1"],
    ["1::", "1::"],
    ["2001:DB8:0:0:0:0:0:7", "2001:db8::7"],
    ["2001:0db8::0007", "2001:db8::7"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"],
    ["::ffff:192.0.2.7", "192.0.2.7"],
    ["::FFFF:c000:207", "192.0.2.7"],
    ["64:ff9b::192.0.2.7", "64:ff9b::c000:207"],
    ["::192.0.2.7", "::c000:207"],
  ])("%s is %s", (text, wanted) => {
    expect(canonical(text)).toBe(wanted);
  });
});

test.each([
  "",
  "1.2.3",
  "01.2.3.4",
  "1.2.3.256",
  "1.2.3.4 ",
  "0x1.2.3.4",
  ":::",
  "1::2::3",
  "fe80::1%eth0",
  "[::1]",
  "::g",
  "::ffff:01.2.3.4",
])("%j is not an address", (text) => {
  expect(messagesOf(parseAddress(text)).join()).toContain("is not an address");
});

/** Pieces of addresses in any order. */
const nearAddress = fc
  .array(fc.constantFrom(":", "::", ".", "0", "00", "1", "ffff", "10000", "255", "256", "192.0.2.1", "g"), {
    maxLength: 17,
  })
  .map((pieces) => pieces.join(""));

test("what is an address is what Node's net module takes for one, zones apart", () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), anyText, nearAddress), (text) => {
      expect(parseAddress(text).ok).toBe(isIP(text) !== 0 && !text.includes("%"));
    }),
  );
});

test("any octets survive being shown and read, and are as short as a URL's", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (octets) => {
      const text = renderIpv6(octets);
      expect(valueOf(parseAddress(text)).octets).toEqual(octets);
      expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 4 }), (octets) => {
      expect(valueOf(parseAddress(renderAddress(octets))).octets).toEqual(octets);
    }),
  );
});

test("sixteen octets with runs of zeros are shown as a URL shows them", () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0, 1, 0xab, 0xffff), { minLength: 8, maxLength: 8 }),
      (groups) => {
        const octets = Uint8Array.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
        expect(`[${renderIpv6(octets)}]`).toBe(
          new URL(`http://[${groups.map((group) => group.toString(16)).join(":")}]/`).hostname,
        );
      },
    ),
  );
});

describe("a prefix is masked and shown in canonical form", () => {
  test.each([
    ["192.0.2.99/24", "192.0.2.0/24"],
    ["192.0.2.99/25", "192.0.2.0/25"],
    ["192.0.2.199/25", "192.0.2.128/25"],
    ["255.255.255.255/0", "0.0.0.0/0"],
    ["192.0.2.7/32", "192.0.2.7"],
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8:ffff::1/32", "2001:db8::/32"],
    ["2001:db8::ffff/127", "2001:db8::fffe/127"],
    ["2001:db8::7/128", "2001:db8::7"],
    ["ffff::/0", "::/0"],
    ["::ffff:192.0.2.7/120", "192.0.2.0/24"],
    ["::ffff:192.0.2.7/128", "192.0.2.7"],
    ["::ffff:192.0.2.7/96", "0.0.0.0/0"],
    ["::ffff:192.0.2.7/95", "::fffe:0:0/95"],
    ["::ffff:192.0.2.7/0", "::/0"],
  ])("%s is %s", (text, wanted) => {
    expect(canonicalPrefix(text)).toBe(wanted);
  });
});

test.each([
  ["192.0.2.0/33", "from 0 to 32"],
  ["192.0.2.0/08", "from 0 to 32"],
  ["192.0.2.0/", "from 0 to 32"],
  ["192.0.2.0/-1", "from 0 to 32"],
  ["192.0.2.0/1e1", "from 0 to 32"],
  ["192.0.2.0/24/24", "from 0 to 32"],
  ["2001:db8::/129", "from 0 to 128"],
  ["::ffff:192.0.2.0/129", "from 0 to 128"],
  ["example.org/24", "is not an address"],
  ["/24", "is not an address"],
])("%s is not a prefix", (text, reason) => {
  expect(messagesOf(parsePrefix(text)).join()).toContain(reason);
});

test("a prefix holds what Node's block list says that it holds", () => {
  fc.assert(
    fc.property(anyPrefix, fc.oneof(anyIpv4, anyIpv6), (text, address) => {
      const prefix = valueOf(parsePrefix(text));
      const { family, octets } = valueOf(parseAddress(address));
      const list = new BlockList();
      list.addSubnet(
        renderPrefix(prefix).replace(/\/.*/, ""),
        prefix.length,
        prefix.family === 4 ? "ipv4" : "ipv6",
      );
      const holds =
        family === prefix.family &&
        renderPrefix(prefix) === canonicalPrefix(`${renderAddress(octets)}/${prefix.length}`);
      // Node's list lets IPv4 rules hold mapped addresses, which are IPv4 here already, and nothing else
      // across families.
      expect(holds).toBe(
        family === prefix.family && list.check(renderAddress(octets), family === 4 ? "ipv4" : "ipv6"),
      );
    }),
  );
});

test("showing a prefix and reading it again changes nothing", () => {
  fc.assert(
    fc.property(anyPrefix, (text) => {
      const shown = canonicalPrefix(text);
      expect(canonicalPrefix(shown)).toBe(shown);
    }),
  );
});
