/**
 * Packets and frames made by hand, as an attacker makes them: RFC 791, 8200, 768, 9293, 792, 4443, IEEE
 * 802.3. Pure. Not here: reading them (`frames.ts`).
 */
import { parseAddress } from "../policy/address.ts";

export const Protocol = {
  hopByHop: 0,
  icmp: 1,
  ipInIp: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  icmpv6: 58,
  destinationOptions: 60,
  sctp: 132,
  /** For experiments, RFC 3692. */
  experiment: 253,
} as const;

export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  experiment: 0x88b5,
} as const;

export interface IpOptions {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly payload: Uint8Array;
  /** IPv4 alone: a multiple of four octets. */
  readonly options?: Uint8Array;
  /** IPv4 alone: flags and offset, as in the header. */
  readonly fragment?: number;
  readonly ttl?: number;
}

const IDENT = 0xe9e5;

export function ipPacket(packet: IpOptions): Buffer {
  return packet.destination.includes(":") ? ipv6Packet(packet) : ipv4Packet(packet);
}

function ipv4Packet(packet: IpOptions): Buffer {
  const { options = Buffer.alloc(0), fragment = 0, ttl = 64, payload } = packet;
  const head = Buffer.alloc(20 + options.length);
  head[0] = 0x40 | (head.length / 4);
  head.writeUInt16BE(head.length + payload.length, 2);
  head.writeUInt16BE(IDENT, 4);
  head.writeUInt16BE(fragment, 6);
  head[8] = ttl;
  head[9] = packet.protocol;
  head.set(octetsOf(packet.source), 12);
  head.set(octetsOf(packet.destination), 16);
  head.set(options, 20);
  head.writeUInt16BE(checksum(head), 10);
  return Buffer.concat([head, payload]);
}

function ipv6Packet({ source, destination, protocol, payload, ttl = 64 }: IpOptions): Buffer {
  const head = Buffer.alloc(40);
  head[0] = 0x60;
  head.writeUInt16BE(payload.length, 4);
  head[6] = protocol;
  head[7] = ttl;
  head.set(octetsOf(source), 8);
  head.set(octetsOf(destination), 24);
  return Buffer.concat([head, payload]);
}

/** The two ends of a datagram or segment; port numbers if the protocol has some. */
export interface Ends {
  readonly source: string;
  readonly destination: string;
}

const SOURCE_PORT = 40_009;
export const DISCARD = 9;

export function udp(ends: Ends, payload: Uint8Array, port = DISCARD): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(SOURCE_PORT, 0);
  head.writeUInt16BE(port, 2);
  head.writeUInt16BE(8 + payload.length, 4);
  return summed(ends, Protocol.udp, Buffer.concat([head, payload]), 6);
}

/** `flags`: FIN 1, SYN 2, RST 4, PSH 8, ACK 16. */
export function tcp(ends: Ends, flags: number, payload: Uint8Array): Buffer {
  const head = Buffer.alloc(20);
  head.writeUInt16BE(SOURCE_PORT, 0);
  head.writeUInt16BE(80, 2);
  head.writeUInt32BE(1000, 4);
  head[12] = 5 << 4;
  head[13] = flags;
  head.writeUInt16BE(64_000, 14);
  return summed(ends, Protocol.tcp, Buffer.concat([head, payload]), 16);
}

/** `rest`: the four octets behind the checksum, and what follows. */
export function icmp(ends: Ends, type: number, rest: Uint8Array): Buffer {
  const message = Buffer.concat([Buffer.from([type, 0, 0, 0]), rest]);
  if (ends.destination.includes(":")) return summed(ends, Protocol.icmpv6, message, 2);
  message.writeUInt16BE(checksum(message), 2);
  return message;
}

export function udpPacket(ends: Ends, payload: Uint8Array, port?: number): Buffer {
  return ipPacket({ ...ends, protocol: Protocol.udp, payload: udp(ends, payload, port) });
}

export function ethernet(
  destination: Uint8Array,
  source: Uint8Array,
  type: number,
  payload: Uint8Array,
): Buffer {
  return Buffer.concat([destination, source, uint16(type), payload]);
}

export function uint16(value: number): Buffer {
  return Buffer.from([value >> 8, value & 0xff]);
}

/** The octets of an address that is known to be one. */
export function octetsOf(address: string): Uint8Array {
  const parsed = parseAddress(address);
  if (!parsed.ok) throw new TypeError(`${address} is no address`);
  return parsed.value.octets;
}

function summed({ source, destination }: Ends, protocol: number, data: Buffer, at: number): Buffer {
  const pseudo = Buffer.alloc(8);
  pseudo.writeUInt32BE(data.length, 0);
  pseudo.writeUInt32BE(protocol, 4);
  const sum = checksum(Buffer.concat([octetsOf(source), octetsOf(destination), pseudo, data]));
  data.writeUInt16BE(sum === 0 ? 0xffff : sum, at);
  return data;
}

/** RFC 1071. */
function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let at = 0; at < data.length; at += 2) sum += ((data[at] ?? 0) << 8) | (data[at + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
