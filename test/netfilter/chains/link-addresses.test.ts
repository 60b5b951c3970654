import { expect, test } from "vitest";
import { linkAddresses } from "../../../src/netfilter/chains/link-addresses.ts";
import { parseAddress, renderAddress, renderIpv6 } from "../../../src/policy/address.ts";

test.each([
  { address: "192.0.2.2", length: 24, found: ["192.0.2.0", "192.0.2.255"] },
  { address: "192.0.2.77", length: 30, found: ["192.0.2.76", "192.0.2.79"] },
  { address: "198.51.100.9", length: 20, found: ["198.51.96.0", "198.51.111.255"] },
  { address: "192.0.2.77", length: 31, found: [] },
  { address: "192.0.2.77", length: 32, found: [] },
  { address: "2001:db8::2", length: 64, found: ["2001:db8::"] },
  { address: "2001:db8::a:7", length: 109, found: ["2001:db8::8:0"] },
  { address: "2001:db8::2", length: 127, found: [] },
  { address: "2001:db8::2", length: 128, found: [] },
])("of $address/$length no host has $found", ({ address, length, found }) => {
  const parsed = parseAddress(address);
  if (!parsed.ok) throw new Error(address);
  const texts = linkAddresses(parsed.value.octets, length).map((octets) =>
    (octets.length === 4 ? renderAddress : renderIpv6)(octets),
  );
  expect(texts).toEqual(found);
});
