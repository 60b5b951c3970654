import { expect, test } from "vitest";
import { askCounter, NFT_MSG_NEWOBJ, readCountedPackets } from "../../../src/netfilter/wire/named-counter.ts";
import { readReplies } from "../../../src/netlink/reader.ts";
import { createNetlinkWriter } from "../../../src/netlink/writer.ts";

const hex = (...lines: readonly string[]): Buffer => Buffer.from(lines.join("").replaceAll(" ", ""), "hex");
const NAMES = [
  "1000 0100 6f70656e 73616e64 626f7800", // opensandbox
  "1800 0200 72656675 7365645f 636f6e6e 65637469 6f6e7300", // refused_connections
  "0800 0300 00000001", // a counter
] as const;

test("list counter inet opensandbox refused_connections", () => {
  const writer = createNetlinkWriter();
  askCounter(writer, 1, { table: "opensandbox", counter: "refused_connections" });
  expect(writer.written().subarray(20).toString("hex")).toBe(hex(...NAMES).toString("hex"));
});

test("what Linux 6.18 answers, with 2 packets of 140 octets", () => {
  const answer = hex(
    "74000000 120a 0000 01000000 bf600000 01000002",
    ...NAMES,
    "0c00 0600 00000000 00000002 0800 0500 00000001", // handle, use
    "1c00 0400 0c00 0100 00000000 0000008c 0c00 0200 00000000 00000002",
  );
  const [reply] = readReplies(answer);
  if (reply?.kind !== "message") throw new Error("no message");
  expect(reply.type).toBe(NFT_MSG_NEWOBJ);
  expect(readCountedPackets(reply.payload)).toBe(2);
  expect(readCountedPackets(hex("01000002", ...NAMES))).toBeUndefined();
});
