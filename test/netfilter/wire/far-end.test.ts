import { expect, test } from "vitest";
import { readFarEnd } from "../../../src/netfilter/wire/far-end.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");
const V4 = "c0000202 c6336432";
const V6 = `20010db8${"0".repeat(23)}2 20010db80100${"0".repeat(18)}50`;
const PORTS = "d6aa 01bb";

test.each([
  ["IPv4 with options", `46000020 00000000 4006 0000 ${V4} 94040000 ${PORTS}`, 443],
  ["a later fragment of IPv4", `45000020 00000003 4006 0000 ${V4} ${PORTS}`, 0],
  ["another protocol", `45000020 00000000 4011 0000 ${V4} ${PORTS}`, 0],
  ["IPv4 cut short", `45000020 00000000 4006 0000 ${V4} d6`, 0],
  ["IPv6 with options", `60000000 000c 00 40 ${V6} 3c00 010400000000 0600 010400000000 ${PORTS}`, 443],
  ["IPv6 with an authentication header", `60000000 001c 33 40 ${V6} 0604 ${"00".repeat(22)} ${PORTS}`, 443],
  ["a fragment header of IPv6", `60000000 000c 2c 40 ${V6} 0600000000000001 ${PORTS}`, 0],
  ["IPv6 cut short in its options", `60000000 000c 3c 40 ${V6} 3cff`, 0],
])("%s", (_, text, port) => {
  const packet = hex(text);
  const address = hex(text.startsWith("4") ? V4.slice(9) : V6.slice(V6.indexOf(" ") + 1));
  expect(readFarEnd(packet, "destination")).toEqual({ address, port });
  expect(readFarEnd(packet, "source")?.port).toBe(port === 443 ? 0xd6aa : port);
});

test("what is no packet has no far end", () => {
  expect(readFarEnd(Buffer.alloc(0), "source")).toBeUndefined();
  expect(readFarEnd(Buffer.alloc(64), "source")).toBeUndefined();
  expect(readFarEnd(hex("4500"), "destination")).toBeUndefined();
});
