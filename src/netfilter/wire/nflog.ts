/**
 * Copies of packets from the kernel's log (nfnetlink_log): what `log group` hands on, and how a group is
 * taken.
 *
 *     NFULNL_MSG_CONFIG  nfgenmsg (the group in `resource`), command, mode, buffer size, time limit, threshold
 *     mode               copied octets:4 what is copied:1 pad:1
 *     NFULNL_MSG_PACKET  nfgenmsg:4 | attributes, the packet from its IP header on among them
 *
 *     IPv4               version and header length:1 tos:1 length:2 id:2 fragment:2 ttl:1 protocol:1 checksum:2 source:4 destination:4 options
 *     IPv6               version:4 bits ... length:2 next:1 hops:1 source:16 destination:16, then extension headers
 *     extension          next:1 length:1, in units of 8 octets beyond the first 8; of a fragment's header 8 octets, its place at octet 2
 *     TCP, UDP and such  source port:2 destination port:2
 *     ICMP               type:1 code:1
 *
 * Source: linux/netfilter/nfnetlink_log.h; RFC 791, RFC 8200 section 4, RFC 4302 section 2.2.
 */
import { BIND, COPY_PACKET, NFGENMSG } from "./constants.ts";
import { NLM_F_ACK, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { readAttributes } from "../../netlink/reader.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";

const NFNL_SUBSYS_ULOG = 4;
export const NFULNL_MSG_PACKET = NFNL_SUBSYS_ULOG << 8;
const NFULNL_MSG_CONFIG = (NFNL_SUBSYS_ULOG << 8) | 1;
const CONFIG = { command: 1, mode: 2, bufferOctets: 3, timeoutHundredths: 4, threshold: 5 } as const;
const UNBIND = 2;
const PAYLOAD = 9;
const PREFIX = 10;

const [TCP, UDP, DCCP, SCTP, UDP_LITE] = [6, 17, 33, 132, 136];
const WITH_PORTS = new Set<number | undefined>([TCP, UDP, DCCP, SCTP, UDP_LITE]);
const [ICMP, ICMPV6] = [1, 58];
/** Headers of IPv6 that another one follows: hop-by-hop, routing, destination options. */
const EXTENSIONS = new Set([0, 43, 60]);
const [FRAGMENT, AUTHENTICATION] = [44, 51];

export interface LogGroup {
  readonly group: number;
  /** Of each packet. */
  readonly copiedOctets: number;
  /** Of one message of the kernel's. */
  readonly bufferOctets: number;
  /** Packets that the kernel reports together, unless the time is over before there are so many. */
  readonly threshold: number;
  readonly timeoutMs: number;
}

/** Asks for all that a group gets. The kernel refuses with EPERM if another socket has the group. */
export function bindGroup(writer: NetlinkWriter, sequence: number, asked: LogGroup): void {
  const message = writer.begin(NFULNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK, sequence, 0, asked.group);
  writer.octets(CONFIG.command, Buffer.of(BIND));
  const mode = Buffer.alloc(6);
  mode.writeUInt32BE(asked.copiedOctets);
  mode[4] = COPY_PACKET;
  writer.octets(CONFIG.mode, mode);
  writer.number32(CONFIG.bufferOctets, asked.bufferOctets);
  writer.number32(CONFIG.timeoutHundredths, Math.ceil(asked.timeoutMs / 10));
  writer.number32(CONFIG.threshold, asked.threshold);
  writer.end(message);
}

/** Gives the group up: the kernel then reports at once what it has gathered. */
export function unbindGroup(writer: NetlinkWriter, sequence: number, group: number): void {
  const message = writer.begin(NFULNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK, sequence, 0, group);
  writer.octets(CONFIG.command, Buffer.of(UNBIND));
  writer.end(message);
}

/** Where a packet was to go. Octets are views into the message that reported it. */
export interface LoggedPacket {
  /** 4 octets, or 16. */
  readonly source: Buffer;
  readonly destination: Buffer;
  /** As IANA numbers them: 6 is TCP. */
  readonly protocol: number;
  /** Undefined if the protocol has none, or the copy ends before them. */
  readonly sourcePort: number | undefined;
  readonly destinationPort: number | undefined;
  readonly icmpType: number | undefined;
  /** The prefix of the rule that has logged it; empty if it has none. */
  readonly prefix: string;
}

type IpPacket = Omit<LoggedPacket, "prefix">;

/** The packet of one NFULNL_MSG_PACKET payload; undefined if it holds no IP packet. */
export function readLoggedPacket(payload: Buffer): LoggedPacket | undefined {
  let packet: IpPacket | undefined;
  let prefix = "";
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === PAYLOAD) packet = readPacket(value);
    // With a NUL at its end.
    if (type === PREFIX) prefix = value.toString("latin1", 0, value.length - 1);
  }
  return packet === undefined ? undefined : { ...packet, prefix };
}

function readPacket(packet: Buffer): IpPacket | undefined {
  const version = (packet[0] ?? 0) >>> 4;
  if (version === 4) return readIpv4(packet);
  return version === 6 ? readIpv6(packet) : undefined;
}

function readIpv4(packet: Buffer): IpPacket | undefined {
  if (packet.length < 20) return undefined;
  const headerOctets = ((packet[0] ?? 0) & 0x0f) * 4;
  const isFirst = (packet.readUInt16BE(6) & 0x1fff) === 0;
  const addresses = { source: packet.subarray(12, 16), destination: packet.subarray(16, 20) };
  const at = isFirst && headerOctets >= 20 ? headerOctets : packet.length;
  return { ...addresses, ...readTransport(packet, packet[9] ?? 0, at) };
}

function readIpv6(packet: Buffer): IpPacket | undefined {
  if (packet.length < 40) return undefined;
  const addresses = { source: packet.subarray(8, 24), destination: packet.subarray(24, 40) };
  let next = packet[6] ?? 0;
  let at = 40;
  while (at + 8 <= packet.length) {
    const length = packet[at + 1] ?? 0;
    const place = at;
    if (EXTENSIONS.has(next)) at += 8 + 8 * length;
    else if (next === AUTHENTICATION) at += 8 + 4 * length;
    else if (next === FRAGMENT) at = (packet.readUInt16BE(at + 2) & 0xfff8) === 0 ? at + 8 : packet.length;
    else break;
    next = packet[place] ?? 0;
  }
  return { ...addresses, ...readTransport(packet, next, at) };
}

function readTransport(
  packet: Buffer,
  protocol: number,
  at: number,
): Omit<IpPacket, "source" | "destination"> {
  const hasPorts = WITH_PORTS.has(protocol) && at + 4 <= packet.length;
  const hasType = (protocol === ICMP || protocol === ICMPV6) && at < packet.length;
  return {
    protocol,
    sourcePort: hasPorts ? packet.readUInt16BE(at) : undefined,
    destinationPort: hasPorts ? packet.readUInt16BE(at + 2) : undefined,
    icmpType: hasType ? packet[at] : undefined,
  };
}
