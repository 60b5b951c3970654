import * as fc from "fast-check";
import { expect, test } from "vitest";
import { readAddressPrefix, readNextHops, readOnLinkRoute } from "../../src/netlink/rtnetlink.ts";

/** rtmsg of `family` in table 100, then the attributes. */
function route(family: number, attributes: string, flags = "00000000"): Buffer {
  const header = `${family.toString(16).padStart(2, "0")}000000 64030001 ${flags}`;
  return Buffer.from(`${header}${attributes}`.replaceAll(/\s/g, ""), "hex");
}

test.each([
  { line: "via 192.0.2.1", payload: route(2, "0800 0500 c0000201"), found: ["c0000201"] },
  {
    line: "via inet6 2001:db8::1, of IPv4",
    payload: route(2, "1600 1200 0a00 20010db8000000000000000000000001 0000"),
    found: ["20010db8000000000000000000000001"],
  },
  {
    line: "nexthop via 192.0.2.1 nexthop dev eth0 nexthop via 192.0.2.3",
    payload: route(
      2,
      `2c00 0900
         1000 0000 02000000 0800 0500 c0000201
         0800 0000 02000000
         1000 0000 02000000 0800 0500 c0000203`,
    ),
    found: ["c0000201", "c0000203"],
  },
  { line: "dev eth0", payload: route(2, "0800 0400 02000000"), found: [] },
  { line: "a copy for one destination", payload: route(2, "0800 0500 c0000201", "00020000"), found: [] },
])("a route $line leads to $found", ({ payload, found }) => {
  expect(readNextHops(payload).map((octets) => octets.toString("hex"))).toEqual(found);
});

test("random octets never throw", () => {
  const octets = fc.uint8Array({ maxLength: 80 }).map((array) => Buffer.from(array));
  const nested = octets.map((value) => route(2, `5400 0900 ${value.toString("hex").padEnd(160, "0")}`));
  fc.assert(
    fc.property(fc.oneof(octets, nested), (payload) => {
      expect(() => {
        for (const read of [readNextHops, readOnLinkRoute, readAddressPrefix]) read(payload);
      }).not.toThrow();
    }),
  );
});
