import { expect, test } from "vitest";
import {
  askEntryCount,
  CT_GET_STATS,
  readEntryCount,
  setConntrackMark,
} from "../../../src/netfilter/wire/conntrack.ts";
import { bindQueue, readQueuedPacket, writeVerdict } from "../../../src/netfilter/wire/packet-queue.ts";
import { appendQueue } from "../../../src/netfilter/wire/queue-rule.ts";
import { readReplies } from "../../../src/netlink/reader.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../../src/netlink/writer.ts";

const hex = (...lines: readonly string[]): Buffer => Buffer.from(lines.join("").replaceAll(" ", ""), "hex");
const written = (write: (writer: NetlinkWriter) => void): string => {
  const writer = createNetlinkWriter();
  write(writer);
  return writer.written().toString("hex");
};

/**
 * What Linux 6.18 tells of `GET` from one loopback address to itself, held by queue 15353 in the hook
 * `output`.
 */
const IPV4 = hex(
  "6b000000 0003 0000 00000000 00000000 02003bf9", // nlmsghdr, nfgenmsg: IPv4, queue 15353
  "0b00 0100 00000001 0800 03 00 0800 0600 00000001 0800 0e00 00000001", // number, hook; device; checksum
  "3b00 0a00", // the packet
  "45000037 3a884000 4006 0237 7f000001 7f000001",
  "d6aa 01bb b7863851 c71b2f3e 8018 0040 fe2b 0000 0101 080a 5ea4665b a9e6beda 474554",
);
const IPV6 = hex(
  "7f000000 0003 0000 00000000 00000000 0a003bf9",
  "0b00 0100 00000002 86dd 03 00 0800 0600 00000001 0800 0e00 00000001",
  "4f00 0a00",
  "600c315e 0023 06 40 00000000000000000000000000000001 00000000000000000000000000000001",
  "acf8 01bb db39bf50 30ca173b 8018 0040 002b 0000 0101 080a 93bf8787 2c936610 474554",
);

test.each([
  ["IPv4", IPV4, 1, 0x37],
  ["IPv6", IPV6, 2, 0x4b],
])("a packet of %s that waits", (_, datagram, id, length) => {
  const [reply] = readReplies(datagram);
  if (reply?.kind !== "message") throw new Error("no message");
  const octets = datagram.subarray(datagram.length - length);
  expect(readQueuedPacket(reply.payload)).toEqual({
    queue: 15_353,
    id,
    hook: 3,
    mark: 0,
    priority: 0,
    octets,
    length,
    isChecksumNotReady: true,
  });
});

test("a packet that was not copied whole, with a mark and a priority, from a raw socket", () => {
  const payload = hex(
    "02000001 0b00 0100 00000007 0800 01 00 0800 0300 12345678 0800 1500 00000006 0800 0d00 00010000 0500 0a00 45",
  );
  expect(readQueuedPacket(payload)).toMatchObject({
    queue: 1,
    id: 7,
    hook: 1,
    mark: 0x12345678,
    priority: 6,
    length: 65_536,
    isChecksumNotReady: false,
  });
});

test.each([
  ["none", ""],
  ["a header that is cut off", "02000001"],
  ["no number", "02000001 0500 0a00 45"],
  ["a short number", "02000001 0800 0100 00000007"],
])("what has %s is no packet", (_, payload) => {
  expect(readQueuedPacket(hex(payload))).toBeUndefined();
});

test("a queue is taken with bounds, and lets nothing pass where it is full", () => {
  expect(written((writer) => bindQueue(writer, 1, { queue: 15_353, length: 64, copiedOctets: 16_512 }))).toBe(
    hex(
      "40000000 0203 0500 01000000 00000000 00003bf9",
      "0800 0100 01000000", // bind
      "0900 0200 00004080 02 000000", // octets of each packet
      "0800 0300 00000040", // packets that wait
      "0800 0400 00000005 0800 0500 00000004", // of "fail open" and "whole packets" the second
    ).toString("hex"),
  );
});

test("a verdict, alone and with what it changes", () => {
  expect(written((writer) => writeVerdict(writer, 2, { queue: 15_353, id: 7 }, "drop"))).toBe(
    hex("20000000 0103 0100 02000000 00000000 00003bf9 0c00 0200 00000000 00000007").toString("hex"),
  );
  const changes = { mark: 0x12345678, octets: Buffer.of(0x45) };
  expect(written((writer) => writeVerdict(writer, 2, { queue: 15_353, id: 7 }, "repeat", changes))).toBe(
    hex(
      "30000000 0103 0100 02000000 00000000 00003bf9 0c00 0200 00000004 00000007",
      "0800 0300 12345678 0500 0a00 45 000000",
    ).toString("hex"),
  );
});

test("a verdict's priority, which rules find in the order of a packet's octets", () => {
  const changes = { priority: 0x12345678 };
  expect(written((writer) => writeVerdict(writer, 2, { queue: 15_353, id: 7 }, "accept", changes))).toBe(
    hex(
      "28000000 0103 0100 02000000 00000000 00003bf9 0c00 0200 00000001 00000007",
      "0800 1500 78563412",
    ).toString("hex"),
  );
});

const TABLE = "1000 0100 6f70656e 73616e64 626f7800 0800 0200 61736b00"; // opensandbox, ask

test("queue num 15353, as nft 1.0.6 encodes it", () => {
  const chain = { table: "opensandbox", chain: "ask" };
  const rule = written((writer) => appendQueue(writer, 1, chain, { queue: 15_353, form: "native" }));
  expect(rule.slice(40)).toBe(
    hex(
      TABLE,
      "2800 0480 2400 0180 0a00 0100 71756575 65000000", // queue
      "1400 0280 0600 0100 3bf9 0000 0600 0200 0001 0000",
    ).toString("hex"),
  );
});

test("the same by xtables' target, revision 3, with its numbers in host order", () => {
  const chain = { table: "opensandbox", chain: "ask" };
  const rule = written((writer) => appendQueue(writer, 1, chain, { queue: 15_353, form: "xtables" }));
  expect(rule.slice(40)).toBe(
    hex(
      TABLE,
      "3800 0480 3400 0180 0b00 0100 74617267 65740000", // target
      "2400 0280 0c00 0100 4e465155 45554500 0800 0200 00000003 0c00 0300 f93b 0100 0000 0000",
    ).toString("hex"),
  );
});

test.each([
  { form: "native", flags: "0600 0200 0001 0000 0600 0300 0001 0000" },
  { form: "xtables", flags: "0c00 0300 f93b 0100 0100 0000" },
] as const)("queue num 15353 bypass, $form", ({ form, flags }) => {
  const chain = { table: "opensandbox", chain: "ask" };
  const rule = written((writer) => appendQueue(writer, 1, chain, { queue: 15_353, form, bypass: true }));
  expect(rule).toContain(hex(flags).toString("hex"));
});

test("conntrack's mark of a flow, by what its far end sends", () => {
  const reply = {
    source: hex("c6336401"),
    destination: hex("c0000202"),
    sourcePort: 443,
    destinationPort: 51_234,
    protocol: 6,
  };
  expect(written((writer) => setConntrackMark(writer, 3, reply, { mark: 0x2000_0007 }))).toBe(
    hex(
      "50000000 0001 0100 03000000 00000000 02000000",
      "3400 0280 1400 0180 0800 0100 c6336401 0800 0200 c0000202", // reply: addresses
      "1c00 0280 0500 0100 06 000000 0600 0200 01bb 0000 0600 0300 c822 0000", // protocol and ports
      "0800 0800 20000007",
    ).toString("hex"),
  );
});

test("how many entries conntrack has, as Linux 6.18 tells it of 7 of 262,144", () => {
  expect(written((writer) => askEntryCount(writer, 1))).toBe(
    "14000000 0501 0100 01000000 00000000 00000000".replaceAll(" ", ""),
  );
  const [reply] = readReplies(
    hex("24000000 0501 0000 01000000 00000000 00000000", "0800 0100 00000007 0800 0200 00040000"),
  );
  if (reply?.kind !== "message") throw new Error("no message");
  expect(reply.type).toBe(CT_GET_STATS);
  expect(readEntryCount(reply.payload)).toBe(7);
  expect(readEntryCount(reply.payload.subarray(0, 4))).toBeUndefined();
});
