import { describe, expect, test } from "vitest";
import { isPrivateAddress, isSpecialAddress } from "../../../src/dns/answer/special-address.ts";
import { parseAddress } from "../../../src/policy/address.ts";
import ipaddr from "ipaddr.js";

/** Octets as on the wire: a v4-mapped address stays one of 16 octets. */
function octetsOf(text: string): Uint8Array {
  expect(parseAddress(text).ok).toBe(true);
  return Uint8Array.from(ipaddr.parse(text).toByteArray());
}
function judge(text: string): string {
  const octets = octetsOf(text);
  const framed = Buffer.concat([Buffer.alloc(3, 0xff), octets, Buffer.alloc(3, 0xff)]);
  const length = octets.length === 4 ? 4 : 16;
  if (isSpecialAddress(framed, 3, length)) return "special";
  return isPrivateAddress(framed, 3, length) ? "private" : "ordinary";
}

describe.each([
  [
    "special",
    [
      "0.0.0.0",
      "0.1.2.3",
      "127.0.0.1",
      "127.255.255.255",
      "169.254.169.254",
      "224.0.0.1",
      "240.0.0.1",
      "255.255.255.255",
    ],
  ],
  ["private", ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.0.1", "100.64.0.1", "100.127.255.255"]],
  [
    "ordinary",
    [
      "1.0.0.1",
      "126.255.255.255",
      "128.0.0.1",
      "169.253.0.1",
      "172.15.0.1",
      "172.32.0.1",
      "192.167.0.1",
      "100.63.0.1",
      "100.128.0.1",
      "223.255.255.255",
    ],
  ],
])("%s over IPv4, and wrapped for NAT64 and 6to4", (kind, addresses) => {
  test.each(addresses)("%s", (address) => {
    const octets = octetsOf(address);
    const hex = Buffer.from(octets).toString("hex");
    const groups = `${hex.slice(0, 4)}:${hex.slice(4)}`;
    expect(judge(address)).toBe(kind);
    expect(judge(`64:ff9b::${address}`)).toBe(kind);
    expect(judge(`64:ff9b:1::${address}`)).toBe(kind);
    expect(judge(`2002:${groups}::1`)).toBe(kind);
  });
});

test.each([
  ["::", "special"],
  ["::1", "special"],
  ["::192.0.2.1", "special"],
  ["::ffff:192.0.2.1", "special"],
  ["::ffff:0:192.0.2.1", "special"],
  ["fe80::1", "special"],
  ["febf::1", "special"],
  ["fec0::1", "special"],
  ["ff02::1", "special"],
  ["fc00::1", "private"],
  ["fdff::1", "private"],
  ["fe00::1", "ordinary"],
  ["2001:db8::1", "ordinary"],
  ["2606:4700::1", "ordinary"],
  ["64:ff9c::127.0.0.1", "ordinary"],
  ["2003::1", "ordinary"],
])("%s is %s", (address, kind) => {
  expect(judge(address)).toBe(kind);
});
