/**
 * The headers of a TCP packet that the kernel holds for us.
 *
 *     IPv4   version and header length:1 tos:1 length:2 id:2 fragment:2 ttl:1 protocol:1 checksum:2 source:4 destination:4 options      RFC 791
 *     IPv6   version:4 bits ... length:2 next:1 hops:1 source:16 destination:16                                                         RFC 8200
 *     TCP    source:2 destination:2 sequence:4 acknowledged:4 header length:4 bits flags:12 bits window:2 checksum:2 urgent:2 options   RFC 9293
 *
 * A packet that is a fragment, or has an extension header of IPv6, is none that the kernel's TCP makes by
 * itself, and is not read. The one that it makes is a jumbo payload's (RFC 2675), in packets past 65,535
 * octets which the interface will cut up (BIG TCP):
 *
 *     next:1 length:1 (0) option:1 (0xc2) its length:1 (4) payload:4
 */
import { TCP } from "./constants.ts";

const TCP_HEADER = 20;
const [HOP_BY_HOP, JUMBO_HEADER, MAX_PLAIN_PAYLOAD] = [0, 8, 65_535];
/** But for the next header, and the payload's length. */
const JUMBO = 0x00c204;
const [IPV4_HEADER, IPV6_HEADER] = [20, 40];
const [CHECKSUM_IN_IPV4, CHECKSUM_IN_TCP] = [10, 16];

export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, ack: 16, urg: 32 } as const;

/** Octets are views into the packet. */
export interface TcpSegment {
  /** 4 octets or 16. */
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledged: number;
  /** Of {@link TCP_FLAG}. */
  readonly flags: number;
  readonly hops: number;
  /** Where the data begins. */
  readonly headerOctets: number;
  readonly data: Buffer;
}

/** Undefined for anything but TCP, and for what is cut off or of an odd form. */
export function readTcpSegment(packet: Buffer): TcpSegment | undefined {
  const ip = readIp(packet);
  if (ip === undefined || ip.at + TCP_HEADER > ip.end) return undefined;
  const headerOctets = ip.at + (packet.readUInt8(ip.at + 12) >>> 4) * 4;
  if (headerOctets < ip.at + TCP_HEADER || headerOctets > ip.end) return undefined;
  const flags = packet.readUInt8(ip.at + 13);
  // What opens a connection is never so long.
  if (ip.isJumbo && (flags & TCP_FLAG.syn) !== 0) return undefined;
  return {
    source: ip.source,
    destination: ip.destination,
    sourcePort: packet.readUInt16BE(ip.at),
    destinationPort: packet.readUInt16BE(ip.at + 2),
    sequence: packet.readUInt32BE(ip.at + 4),
    acknowledged: packet.readUInt32BE(ip.at + 8),
    flags,
    hops: ip.hops,
    headerOctets,
    data: packet.subarray(headerOctets, ip.end),
  };
}

interface IpHeader {
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly hops: number;
  readonly isJumbo: boolean;
  /** Where its payload begins and ends. */
  readonly at: number;
  readonly end: number;
}

function readIp(packet: Buffer): IpHeader | undefined {
  const version = (packet[0] ?? 0) >>> 4;
  if (version === 4 && packet.length >= IPV4_HEADER) return readIpv4(packet);
  return version === 6 && packet.length >= IPV6_HEADER ? readIpv6(packet) : undefined;
}

function readIpv4(packet: Buffer): IpHeader | undefined {
  const at = (packet.readUInt8(0) & 15) * 4;
  const isFragment = (packet.readUInt16BE(6) & 0x3fff) !== 0;
  if (at < IPV4_HEADER || isFragment || packet.readUInt8(9) !== TCP) return undefined;
  const length = packet.readUInt16BE(2);
  return {
    source: packet.subarray(12, 16),
    destination: packet.subarray(16, 20),
    hops: packet.readUInt8(8),
    isJumbo: false,
    at,
    end: endOf(packet, length),
  };
}

function readIpv6(packet: Buffer): IpHeader | undefined {
  const length = packet.readUInt16BE(4);
  const isJumbo = length === 0 && isJumboPacket(packet);
  if (packet.readUInt8(6) !== TCP && !isJumbo) return undefined;
  return {
    source: packet.subarray(8, 24),
    destination: packet.subarray(24, 40),
    hops: packet.readUInt8(7),
    isJumbo,
    at: isJumbo ? IPV6_HEADER + JUMBO_HEADER : IPV6_HEADER,
    end: endOf(packet, length === 0 ? 0 : IPV6_HEADER + length),
  };
}

function isJumboPacket(packet: Buffer): boolean {
  if (packet.readUInt8(6) !== HOP_BY_HOP || packet.length < IPV6_HEADER + JUMBO_HEADER) return false;
  const isForm = packet.readUInt8(IPV6_HEADER) === TCP && packet.readUIntBE(IPV6_HEADER + 1, 3) === JUMBO;
  return isForm && packet.readUInt32BE(IPV6_HEADER + 4) > MAX_PLAIN_PAYLOAD;
}

/** A packet past 65,535 octets, which the interface will cut up, has no length in its header. */
function endOf(packet: Buffer, length: number): number {
  return length === 0 ? packet.length : Math.min(length, packet.length);
}

/**
 * The same packet without its data, with new checksums: the kernel computes none in a packet that a verdict
 * replaces.
 */
export function withoutData(packet: Buffer, { source, destination, headerOctets }: TcpSegment): Buffer {
  const cut = Buffer.from(packet.subarray(0, headerOctets));
  const isV4 = source.length === 4;
  const at = isV4 ? (cut.readUInt8(0) & 15) * 4 : IPV6_HEADER;
  if (isV4) {
    cut.writeUInt16BE(headerOctets, 2);
    cut.writeUInt16BE(0, CHECKSUM_IN_IPV4);
    cut.writeUInt16BE(checksum(cut.subarray(0, at)), CHECKSUM_IN_IPV4);
  } else {
    cut.writeUInt16BE(headerOctets - IPV6_HEADER, 4);
  }
  cut.writeUInt16BE(0, at + CHECKSUM_IN_TCP);
  const segment = cut.subarray(at);
  const pseudoHeader = Buffer.alloc(8);
  pseudoHeader.writeUInt32BE(segment.length, 0);
  pseudoHeader[7] = TCP;
  const sum = checksum(Buffer.concat([source, destination, pseudoHeader, segment]));
  cut.writeUInt16BE(sum, at + CHECKSUM_IN_TCP);
  return cut;
}

/** RFC 1071; the octets of an even number. */
export function checksum(octets: Buffer): number {
  let sum = 0;
  for (let at = 0; at < octets.length; at += 2) sum += octets.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
