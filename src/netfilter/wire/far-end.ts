/**
 * Where a packet goes, or comes from, that is not read for what it says: enough to tell of it.
 *
 * Headers of IPv6 that may stand ahead of TCP (RFC 8200 section 4, RFC 4302):
 *
 *     next:1 length:1 ...    in units of eight octets, without the first
 *                            of an authentication header in units of four, without two
 */
import { TCP } from "./constants.ts";

const [IPV4_HEADER, IPV6_HEADER] = [20, 40];
/** Hop-by-hop and destination options, routing, authentication. */
const [HOP_BY_HOP, ROUTING, AUTHENTICATION, OPTIONS] = [0, 43, 51, 60];

export interface FarEnd {
  /** 4 octets or 16, a view into the packet. */
  readonly address: Buffer;
  /** 0 if it can't be read. */
  readonly port: number;
}

/** Undefined if it has no whole IP header. */
export function readFarEnd(packet: Buffer, side: "source" | "destination"): FarEnd | undefined {
  const version = (packet[0] ?? 0) >>> 4;
  const isV4 = version === 4 && packet.length >= IPV4_HEADER;
  if (!isV4 && (version !== 6 || packet.length < IPV6_HEADER)) return undefined;
  const isSource = side === "source";
  const [at, octets] = isV4 ? [isSource ? 12 : 16, 4] : [isSource ? 8 : 24, 16];
  const tcpAt = isV4 ? findInIpv4(packet) : findInIpv6(packet);
  const portAt = (tcpAt ?? packet.length) + (isSource ? 0 : 2);
  return {
    address: packet.subarray(at, at + octets),
    port: portAt + 2 <= packet.length ? packet.readUInt16BE(portAt) : 0,
  };
}

function findInIpv4(packet: Buffer): number | undefined {
  const isLaterPart = (packet.readUInt16BE(6) & 0x1fff) !== 0;
  return packet.readUInt8(9) === TCP && !isLaterPart ? (packet.readUInt8(0) & 15) * 4 : undefined;
}

function findInIpv6(packet: Buffer): number | undefined {
  let [next, at] = [packet.readUInt8(6), IPV6_HEADER];
  while (next !== TCP) {
    if (![HOP_BY_HOP, ROUTING, AUTHENTICATION, OPTIONS].includes(next) || at + 2 > packet.length)
      return undefined;
    const length = packet.readUInt8(at + 1);
    const octets = next === AUTHENTICATION ? (length + 2) * 4 : (length + 1) * 8;
    next = packet.readUInt8(at);
    at += octets;
  }
  return at;
}
