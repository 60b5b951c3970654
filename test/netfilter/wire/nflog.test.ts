import { expect, test } from "vitest";
import { bindGroup, NFULNL_MSG_PACKET, readLoggedPacket } from "../../../src/netfilter/wire/nflog.ts";
import { readReplies } from "../../../src/netlink/reader.ts";
import { createNetlinkWriter } from "../../../src/netlink/writer.ts";
import { parseAddress } from "../../../src/policy/address.ts";

const hex = (...lines: readonly string[]): Buffer => Buffer.from(lines.join("").replaceAll(" ", ""), "hex");

/** Messages of Linux 6.18 for `tcp flags & (syn | ack) == syn log group 15353 snaplen 64`. */
const IPV4_SYN = hex(
  "7c000000 0004 0000 00000000 00000000 02003bf9", // nlmsghdr, nfgenmsg: IPv4, group 15353
  "0800 0100 08000300 0500 0a00 00000000 0800 0500 00000001 0800 0b00 00000000 0800 0e00 00000000",
  "4000 0900", // the packet
  "4500003c 201a4000 4006 1c98 7f000001 7f000009",
  "c144 0050 55d82d42 00000000 a002ffd7 fe380000 0204ffd7 0402080a d04b7c80 00000000 0103030a",
);
const IPV6_SYN = hex(
  "80000000 0004 0000 00000000 00000000 0a003bf9",
  "0800 0100 86dd0300 0500 0a00 00000000 0800 0500 00000001 0800 0b00 00000000 0800 0e00 00000000",
  "4400 0900",
  "600aa4df 0028 06 40 00000000000000000000000000000001 00000000000000000000000000000001",
  "b2ee 0050 b9780c68 00000000 a002ffc4 00300000 0204ffc4",
);

const octetsOf = (text: string): Buffer => {
  const parsed = parseAddress(text);
  if (!parsed.ok) throw new Error(text);
  return Buffer.from(parsed.value.octets);
};

test.each([
  ["IPv4", IPV4_SYN, "127.0.0.1", "127.0.0.9", 0xc144],
  ["IPv6", IPV6_SYN, "::1", "::1", 0xb2ee],
])("a SYN of %s", (_, datagram, source, destination, sourcePort) => {
  const [reply] = readReplies(datagram);
  if (reply?.kind !== "message") throw new Error("no message");
  expect(reply.type).toBe(NFULNL_MSG_PACKET);
  expect(readLoggedPacket(reply.payload)).toEqual({
    source: octetsOf(source),
    destination: octetsOf(destination),
    protocol: 6,
    sourcePort,
    destinationPort: 80,
    icmpType: undefined,
    prefix: "",
  });
});

test("what the rule says that has logged it", () => {
  // `log prefix "audited"`: the text with its NUL, instead of the NUL alone.
  const said = IPV4_SYN.toString("hex").replace("05000a0000000000", "0c000a006175646974656400");
  const payload = Buffer.from(said, "hex").subarray(16);
  expect(readLoggedPacket(payload)).toMatchObject({ prefix: "audited", destinationPort: 80 });
});

/** The attribute that holds a packet, behind an nfgenmsg. */
function payloadOf(packet: Buffer): Buffer {
  const head = Buffer.from([2, 0, 0, 0, 0, 0, 9, 0]);
  head.writeUInt16LE(4 + packet.length, 4);
  return Buffer.concat([head, packet]);
}
const ipv4 = (protocol: number, rest: Buffer, { fragment = 0, words = 5 } = {}): Buffer => {
  const header = Buffer.alloc(words * 4);
  header[0] = 0x40 | words;
  header.writeUInt16BE(fragment, 6);
  header[9] = protocol;
  return payloadOf(Buffer.concat([header, rest]));
};
const ipv6 = (next: number, ...rest: readonly string[]): Buffer => {
  const header = Buffer.alloc(40);
  header[0] = 0x60;
  header[6] = next;
  return payloadOf(Buffer.concat([header, hex(...rest)]));
};
const PORTS = hex("1000 01bb 00000000");

test.each([
  ["behind options of IPv4", ipv4(17, PORTS, { words: 15 }), 17, 443, undefined],
  ["of a later fragment there are none", ipv4(17, PORTS, { fragment: 0x2001 }), 17, undefined, undefined],
  ["of a first fragment", ipv4(17, PORTS, { fragment: 0x2000 }), 17, 443, undefined],
  ["of a copy that ends before them", ipv4(6, PORTS.subarray(0, 3)), 6, undefined, undefined],
  ["an echo has a type", ipv4(1, hex("0800 0000")), 1, undefined, 8],
  ["an echo of IPv6 too", ipv6(58, "8000 0000"), 58, undefined, 128],
  [
    "behind hop-by-hop and destination options",
    ipv6(0, "3c000000 00000000", "11010000", "00000000".repeat(3), "1000 01bb 00000000"),
    17,
    443,
    undefined,
  ],
  [
    "behind an authentication header",
    ipv6(51, "06010000 00000000 00000000", "1000 01bb 00000000"),
    6,
    443,
    undefined,
  ],
  ["behind the header of a first fragment", ipv6(44, "06000001 00000000", "1000 01bb"), 6, 443, undefined],
  [
    "behind that of a later one there are none",
    ipv6(44, "06000009 00000000", "1000 01bb"),
    6,
    undefined,
    undefined,
  ],
  ["another protocol has none", ipv4(47, PORTS), 47, undefined, undefined],
])("ports: %s", (_, payload, protocol, destinationPort, icmpType) => {
  expect(readLoggedPacket(payload)).toMatchObject({ protocol, destinationPort, icmpType });
});

test.each([
  ["no packet", hex("02003bf9 0800 0100 08000300")],
  ["one of neither family", payloadOf(Buffer.alloc(64, 0x50))],
  ["one that is too short", payloadOf(Buffer.alloc(19, 0x45))],
  ["one that is too short for IPv6", payloadOf(Buffer.alloc(39, 0x60))],
  ["nothing", Buffer.alloc(0)],
])("a message with %s tells of none", (_, payload) => {
  expect(readLoggedPacket(payload)).toBeUndefined();
});

test("a group is taken with bounds", () => {
  const writer = createNetlinkWriter();
  const asked = { group: 15_353, copiedOctets: 64, bufferOctets: 16_384, threshold: 32, timeoutMs: 50 };
  bindGroup(writer, 7, asked);
  expect(writer.written().toString("hex")).toBe(
    hex(
      "40000000 0104 0500 07000000 00000000 00003bf9",
      "0500 0100 01 000000", // bind
      "0a00 0200 00000040 02 00 0000", // packets, 64 octets of each
      "0800 0300 00004000 0800 0400 00000005 0800 0500 00000020",
    ).toString("hex"),
  );
});
