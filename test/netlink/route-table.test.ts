import * as fc from "fast-check";
import { expect, test } from "vitest";
import { askRoute, readRule, readSizedLink, readTableRoute, readWay } from "../../src/netlink/route-table.ts";
import { createNetlinkWriter } from "../../src/netlink/writer.ts";

const octets = (hex: string): Buffer => Buffer.from(hex.replaceAll(/\s/g, ""), "hex");

test.each([
  ["default dev 2", "02000000 fe030001 00000000 0800 0400 02000000", "00000000", 0, [2]],
  [
    "192.0.2.0/24 dev 2",
    "02180000 fe02fd01 00000000 0800 0100 c0000200 0800 0400 02000000",
    "c0000200",
    24,
    [2],
  ],
  [
    "0.0.0.0/1 table 52 nexthop dev 3 nexthop via 192.0.2.1 dev 4",
    `02010000 34030001 00000000 0800 0100 00000000
     1c00 0900 0800 0000 03000000 1000 0000 04000000 0800 0500 c0000201`,
    "00000000",
    1,
    [3, 4],
  ],
])("the route %s", (_line, payload, destination, length, interfaces) => {
  const route = readTableRoute(octets(payload));
  expect(route && { ...route, octets: Buffer.from(route.octets).toString("hex") }).toEqual({
    family: 4,
    octets: destination,
    length,
    interfaces,
  });
});

test.each([
  ["of an address of ours", "02200000 ff02fe02 00000000 0800 0100 c0000201"],
  ["that refuses", "02000000 fe030007 00000000"],
  ["that is a copy for one destination", "02200000 fe000001 00020000 0800 0100 c0000201 0800 0400 02000000"],
  ["of another family", "07000000 fe030001 00000000"],
])("a route %s is none that leads anywhere", (_case, payload) => {
  expect(readTableRoute(octets(payload))).toBeUndefined();
});

test("a rule tells where it is for and who has made it", () => {
  const payload = octets(
    "02200000 fe000001 00000000 0800 0100 c0000201 0800 0600 01000000 0500 1500 d5000000",
  );
  expect(readRule(payload)).toEqual({ destination: octets("c0000201"), priority: 1, protocol: 213 });
  expect(
    readRule(octets("02000000 fe000001 00000000 0800 0600 fe7f0000 0500 1500 02000000")),
  ).toBeUndefined();
});

test("a link has a size", () => {
  const payload = octets(
    "00000100 02000000 00000000 00000000 0900 0300 6574683000 000000 0800 0400 dc050000",
  );
  expect(readSizedLink(payload)).toEqual({ index: 2, name: "eth0", mtu: 1500 });
});

test("ip route get 192.0.2.1, and the interface of its answer", () => {
  const writer = createNetlinkWriter();
  askRoute(writer, 1, Uint8Array.of(192, 0, 2, 1));
  expect(writer.written()).toEqual(
    octets("24000000 1a00 0100 01000000 00000000 02200000 00000000 00000000 0800 0100 c0000201"),
  );
  expect(readWay(octets("02200000 fe000001 00020000 0800 0100 c0000201 0800 0400 07000000"))).toBe(7);
});

test("random octets never throw", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 96 }), (random) => {
      const payload = Buffer.from(random);
      for (const read of [readTableRoute, readRule, readSizedLink, readWay])
        expect(() => read(payload)).not.toThrow();
    }),
  );
});
