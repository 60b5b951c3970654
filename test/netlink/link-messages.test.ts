/** Bytes under the line of ip(8) that they encode: header of 16 octets, the message's own, attributes. */
import { expect, test } from "vitest";
import {
  addAddress,
  addDefaultRoute,
  addRule,
  addVeth,
  deleteLink,
  deleteRule,
  setLinkUp,
} from "../../src/netlink/link-messages.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../../src/netlink/writer.ts";

function encode(write: (writer: NetlinkWriter) => void): string {
  const writer = createNetlinkWriter(16);
  write(writer);
  return writer.written().toString("hex");
}

const hex = (lines: string): string => lines.replaceAll(/#.*|\s/g, "");
const V4 = Uint8Array.of(192, 0, 2, 1);
const V6 = Uint8Array.from([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
const RULE = { destination: V4, priority: 1, protocol: 213 };

test.each([
  {
    line: "ip link add egr1 index 1000 mtu 1500 type veth peer name eth0 index 2 netns /proc/self/fd/9 mtu 1500",
    write: (writer: NetlinkWriter): void =>
      addVeth(writer, 7, {
        name: "egr1",
        index: 1000,
        peerName: "eth0",
        peerIndex: 2,
        peerNamespace: 9,
        mtu: 1500,
      }),
    bytes: `78000000 1000 0506 07000000 00000000
      00000000 e8030000 00000000 00000000
      0900 0300 6567723100 000000            # IFLA_IFNAME
      0800 0400 dc050000                     # IFLA_MTU
      4400 1280                              # IFLA_LINKINFO
        0900 0100 7665746800 000000          # IFLA_INFO_KIND veth
        3400 0280                            # IFLA_INFO_DATA
          3000 0180                          # VETH_INFO_PEER
            00000000 02000000 00000000 00000000
            0900 0300 6574683000 000000
            0800 0400 dc050000
            0800 1c00 09000000               # IFLA_NET_NS_FD`,
  },
  {
    line: "ip link set dev NUMBER up",
    write: (writer: NetlinkWriter): void => setLinkUp(writer, 1, 2),
    bytes: "20000000 1000 0500 01000000 00000000 00000000 02000000 01000000 01000000",
  },
  {
    line: "ip link delete dev NUMBER",
    write: (writer: NetlinkWriter): void => deleteLink(writer, 1, 2),
    bytes: "20000000 1100 0500 01000000 00000000 00000000 02000000 00000000 00000000",
  },
  {
    line: "ip address add 192.0.2.1/30 dev NUMBER",
    write: (writer: NetlinkWriter): void => addAddress(writer, 1, { index: 2, octets: V4, length: 30 }),
    bytes: `28000000 1400 0506 01000000 00000000 021e0200 02000000
      0800 0200 c0000201 0800 0100 c0000201`,
  },
  {
    line: "ip address add 2001:db8::1/64 dev NUMBER nodad",
    write: (writer: NetlinkWriter): void => addAddress(writer, 1, { index: 2, octets: V6, length: 64 }),
    bytes: `40000000 1400 0506 01000000 00000000 0a400200 02000000
      1400 0200 20010db8000000000000000000000001 1400 0100 20010db8000000000000000000000001`,
  },
  {
    line: "ip route add default via 192.0.2.1 dev NUMBER proto static",
    write: (writer: NetlinkWriter): void => addDefaultRoute(writer, 1, 2, V4),
    bytes: `2c000000 1800 0506 01000000 00000000 02000000 fe040001 00000000
      0800 0500 c0000201 0800 0400 02000000`,
  },
  {
    line: "ip rule add to 192.0.2.1 lookup main pref 1 protocol 213",
    write: (writer: NetlinkWriter): void => addRule(writer, 1, RULE),
    bytes: `34000000 2000 0506 01000000 00000000 02200000 fe000001 00000000
      0800 0100 c0000201 0800 0600 01000000 0500 1500 d5000000`,
  },
  {
    line: "ip rule del to 192.0.2.1 lookup main pref 1 protocol 213",
    write: (writer: NetlinkWriter): void => deleteRule(writer, 1, RULE),
    bytes: `34000000 2100 0500 01000000 00000000 02200000 fe000001 00000000
      0800 0100 c0000201 0800 0600 01000000 0500 1500 d5000000`,
  },
])("$line", ({ write, bytes }) => {
  expect(encode(write)).toBe(hex(bytes));
});
