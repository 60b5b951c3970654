/** Octets as Python's `struct` and the attack programs of test/escape write them. */
import { describe, expect, test } from "vitest";
import { ethernet, EtherType, icmp, ipPacket, Protocol, tcp, udpPacket } from "../../src/doctor/packets.ts";

const TOKEN = Buffer.from("token");
const SYN = 2;

describe("IPv4", () => {
  const ends = { source: "192.0.2.2", destination: "203.0.113.9" };

  test("a datagram", () => {
    expect(udpPacket(ends, TOKEN).toString("hex")).toBe(
      "45000021e9e50000401192dac0000202cb0071099c490009000d17a0746f6b656e",
    );
  });

  test("a segment", () => {
    const packet = ipPacket({ ...ends, protocol: Protocol.tcp, payload: tcp(ends, SYN, TOKEN) });
    expect(packet.toString("hex")).toBe(
      "4500002de9e50000400692d9c0000202cb0071099c490050000003e8000000005002fa00c9790000746f6b656e",
    );
  });

  test("an echo request", () => {
    expect(icmp(ends, 8, Buffer.concat([Buffer.alloc(4), TOKEN])).toString("hex")).toBe(
      "0800aa2a00000000746f6b656e",
    );
  });

  test("a fragment with an option", () => {
    const packet = ipPacket({
      ...ends,
      protocol: Protocol.udp,
      payload: Buffer.from("12345678"),
      options: Buffer.from([0x94, 4, 0, 0]),
      fragment: 0x2000,
      ttl: 255,
    });
    expect(packet.toString("hex")).toBe("46000020e9e52000ff111ed6c0000202cb007109940400003132333435363738");
  });
});

describe("IPv6", () => {
  const ends = { source: "2001:db8::2", destination: "2001:db8:ffff::9" };

  test("a datagram", () => {
    expect(udpPacket(ends, TOKEN).toString("hex")).toBe(
      "60000000000d114020010db800000000000000000000000220010db8ffff000000000000000000099c490009000dba2f746f6b656e",
    );
  });

  test("a segment", () => {
    const packet = ipPacket({ ...ends, protocol: Protocol.tcp, payload: tcp(ends, SYN, TOKEN) });
    expect(packet.toString("hex")).toBe(
      "600000000019064020010db800000000000000000000000220010db8ffff000000000000000000099c490050000003e8000000005002fa006c090000746f6b656e",
    );
  });

  test("an echo request", () => {
    expect(icmp(ends, 128, Buffer.concat([Buffer.alloc(4), TOKEN])).toString("hex")).toBe(
      "8000d66500000000746f6b656e",
    );
  });
});

test("a frame is addresses, type, payload", () => {
  const [to, from] = [Buffer.from("00005e005301", "hex"), Buffer.from("020000000001", "hex")];
  expect(ethernet(to, from, EtherType.ipv6, TOKEN).toString("hex")).toBe(
    "00005e00530102000000000186dd746f6b656e",
  );
});
