import { expect, test } from "vitest";
import { deviceNames, goesTo, holds, holdsLabel, sentPackets } from "../../src/doctor/frames.ts";
import { ipPacket, Protocol, tcp, udpPacket } from "../../src/doctor/packets.ts";

const TOKEN = Buffer.from("a token of an attempt");

test.each([
  ["192.0.2.2", "203.0.113.9", "203.0.113.10"],
  ["2001:db8::2", "2001:db8:ffff::9", "2001:db8:ffff::a"],
])("a connection from %s to %s is known by protocol, address and port", (source, destination, other) => {
  const packet = ipPacket({
    source,
    destination,
    protocol: Protocol.tcp,
    payload: tcp({ source, destination }, 2, TOKEN),
  });
  expect(goesTo(destination, Protocol.tcp, 80)(packet)).toBe(true);
  expect(goesTo(other, Protocol.tcp, 80)(packet)).toBe(false);
  expect(goesTo(source, Protocol.tcp, 80)(packet)).toBe(false);
  expect(goesTo(destination, Protocol.tcp, 81)(packet)).toBe(false);
  expect(goesTo(destination, Protocol.udp, 80)(packet)).toBe(false);
  for (let length = 0; length < packet.length; length++) {
    expect(() => goesTo(destination, Protocol.tcp, 80)(packet.subarray(0, length))).not.toThrow();
  }
});

test("an attempt is known by its token, and a question by its label in any case", () => {
  const packet = udpPacket({ source: "192.0.2.2", destination: "203.0.113.9" }, TOKEN);
  expect(holds(TOKEN)(packet)).toBe(true);
  expect(holds(Buffer.from("another token"))(packet)).toBe(false);
  expect(holdsLabel("0a1b2c")(Buffer.from("\u00060A1b2C\u0007invalid"))).toBe(true);
  expect(holdsLabel("0a1b2d")(Buffer.from("\u00060A1b2C\u0007invalid"))).toBe(false);
});

const NET_DEV = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    1200      20    0    0    0     0          0         0     1200      20    0    0    0     0       0          0
  eth0: 4294967296 4000    0    0    0     0          0         0     9000      70    0    0    0     0       0          0
eth1.7@x:     0       0    0    0    0     0          0         0      100       3    0    0    0     0       0          0
`;

test("interfaces and what they have sent are read from /proc/net/dev, lo aside", () => {
  expect(deviceNames(NET_DEV)).toEqual(["eth0", "eth1.7@x"]);
  expect(sentPackets(NET_DEV)).toBe(73);
});
