import { describe, expect, test } from "vitest";
import { checksum, readTcpSegment, TCP_FLAG, withoutData } from "../../../src/netfilter/wire/tcp-segment.ts";

const hex = (...lines: readonly string[]): Buffer => Buffer.from(lines.join("").replaceAll(" ", ""), "hex");

const IPV4 = hex(
  "45000037 3a884000 4006 0237 7f000001 7f000001",
  "d6aa 01bb b7863851 c71b2f3e 8018 0040 fe2b 0000 0101 080a 5ea4665b a9e6beda 474554",
);
const IPV6 = hex(
  "600c315e 0023 06 40 00000000000000000000000000000001 00000000000000000000000000000001",
  "acf8 01bb db39bf50 30ca173b 8018 0040 002b 0000 0101 080a 93bf8787 2c936610 474554",
);

test.each([
  ["IPv4", IPV4, { sourcePort: 0xd6aa, sequence: 0xb7863851, acknowledged: 0xc71b2f3e, headerOctets: 52 }],
  ["IPv6", IPV6, { sourcePort: 0xacf8, sequence: 0xdb39bf50, acknowledged: 0x30ca173b, headerOctets: 72 }],
])("a segment of %s, as Linux 6.18 sends it", (_, packet, fields) => {
  const segment = readTcpSegment(packet);
  expect(segment).toMatchObject({ ...fields, destinationPort: 443, flags: 0x18, hops: 64 });
  expect(segment?.data.toString()).toBe("GET");
  const isCut = packet.map((_octet, length) =>
    readTcpSegment(packet.subarray(0, length)) === undefined ? 1 : 0,
  );
  expect(isCut.indexOf(0)).toBe(fields.headerOctets);
});

/** The packet with octets of it changed. */
function changed(packet: Buffer, changes: Readonly<Record<number, number>>): Buffer {
  const copy = Buffer.from(packet);
  for (const [at, octet] of Object.entries(changes)) copy[Number(at)] = octet;
  return copy;
}

describe("what is read of an odd packet", () => {
  test.each([
    ["a fragment", changed(IPV4, { 6: 0x20 })],
    ["a later fragment", changed(IPV4, { 7: 1 })],
    ["UDP", changed(IPV4, { 9: 17 })],
    ["a short header of IPv4", changed(IPV4, { 0: 0x44 })],
    ["a header of IPv4 past the packet", changed(IPV4, { 0: 0x4f, 3: 0x37 })],
    ["a length of IPv4 inside its header", changed(IPV4, { 3: 30 })],
    ["a short header of TCP", changed(IPV4, { 32: 0x40 })],
    ["a header of TCP past the packet", changed(IPV4, { 32: 0xf0 })],
    ["an extension header of IPv6", changed(IPV6, { 6: 60 })],
    ["a hop-by-hop header of IPv6", changed(IPV6, { 6: 0 })],
    ["another version", changed(IPV6, { 0: 0x50 })],
    ["nothing", Buffer.alloc(0)],
  ])("is nothing: %s", (_, packet) => {
    expect(readTcpSegment(packet)).toBeUndefined();
  });

  test("ends where its header says, and at its end if it is too long for a length", () => {
    expect(readTcpSegment(Buffer.concat([IPV4, Buffer.from("more")]))?.data.toString()).toBe("GET");
    expect(readTcpSegment(changed(IPV4, { 3: 0x36 }))?.data.toString()).toBe("GE");
    expect(
      readTcpSegment(Buffer.concat([changed(IPV4, { 3: 0 }), Buffer.from("more")]))?.data.toString(),
    ).toBe("GETmore");
    expect(
      readTcpSegment(Buffer.concat([changed(IPV6, { 5: 0 }), Buffer.from("more")]))?.data.toString(),
    ).toBe("GETmore");
  });
});

/** As Linux 6.18 sends it: 70,000 octets behind the header of IPv6. */
const jumbo = (changes: Readonly<Record<number, number>> = {}): Buffer => {
  const head = changed(IPV6, { 4: 0, 5: 0, 6: 0 }).subarray(0, 40);
  const packet = Buffer.concat([head, hex("0600c204 00011170"), IPV6.subarray(40), Buffer.alloc(69_960)]);
  return changed(packet, changes);
};

describe("a packet of BIG TCP", () => {
  test("is read behind the header of its length", () => {
    const segment = readTcpSegment(jumbo());
    expect(segment).toMatchObject({ sourcePort: 0xacf8, destinationPort: 443, headerOctets: 80 });
    expect(segment?.data.subarray(0, 3).toString()).toBe("GET");
    expect(segment?.data.length).toBe(69_963);
  });

  test.each([
    ["a length in its IPv6 header", { 5: 100 }],
    ["another header behind it", { 40: 60 }],
    ["a longer header", { 41: 1 }],
    ["another option", { 42: 1 }],
    ["a length below 65,536", { 45: 0 }],
    ["a SYN", { 61: TCP_FLAG.syn }],
  ])("is nothing with %s", (_, changes) => {
    expect(readTcpSegment(jumbo(changes))).toBeUndefined();
  });
});

const pseudoHeader = (packet: Buffer, from: number, at: number): Buffer =>
  Buffer.concat([packet.subarray(from, at), hex("000000"), Buffer.of(packet.length - at), hex("00000006")]);

describe("a SYN without its data", () => {
  test.each([
    ["IPv4", changed(IPV4, { 33: TCP_FLAG.syn }), 12, 20],
    ["IPv6", changed(IPV6, { 53: TCP_FLAG.syn }), 8, 40],
  ])("of %s has lengths and checksums that fit", (_, packet, from, at) => {
    const segment = readTcpSegment(packet);
    if (segment === undefined) throw new Error("no segment");
    const cut = withoutData(packet, segment);
    const again = readTcpSegment(Buffer.concat([cut, Buffer.from("more")]));
    expect(again?.data.length).toBe(0);
    expect(again).toMatchObject({ sequence: segment.sequence, flags: TCP_FLAG.syn });
    // A sum over what has its checksum in it is 0xffff, of which the complement is 0 (RFC 1071).
    expect(checksum(Buffer.concat([pseudoHeader(cut, from, at), cut.subarray(at)]))).toBe(0);
    expect(at === 20 ? checksum(cut.subarray(0, at)) : 0).toBe(0);
  });
});
