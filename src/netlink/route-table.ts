/**
 * Routes, routing rules and links as `ip route`, `ip rule` and `ip link` list them, and the way of one packet
 * as `ip route get` shows it.
 */
import { AF_INET, AF_INET6 } from "../sys/socket-address.ts";
import { NLM_F_REQUEST } from "./constants.ts";
import { readAttributes } from "./reader.ts";
import {
  FRA,
  IFINFOMSG,
  IFLA,
  readLink,
  type Link,
  RTA,
  RTM_GETROUTE,
  RTM_F_CLONED,
  RTMSG,
  RTN_UNICAST,
  RTNEXTHOP,
} from "./rtnetlink.ts";
import type { NetlinkWriter } from "./writer.ts";

const FIB_RULE_HDR = 12;

/** A unicast route of any table. */
export interface TableRoute {
  readonly family: 4 | 6;
  /** 4 or 16 octets, and how many bits of them count: 0 of a default route. */
  readonly octets: Uint8Array;
  readonly length: number;
  /** Numbers of the interfaces that it leads to. */
  readonly interfaces: readonly number[];
}

export interface SizedLink extends Link {
  readonly mtu: number;
}

export interface RuleRecord {
  readonly destination: Uint8Array;
  readonly priority: number;
  readonly protocol: number;
}

/** Undefined for one of another kind: local, broadcast, unreachable, or a copy for one destination. */
export function readTableRoute(payload: Buffer): TableRoute | undefined {
  if (payload.length < RTMSG || payload[7] !== RTN_UNICAST || (payload.readUInt32LE(8) & RTM_F_CLONED) !== 0)
    return undefined;
  const family = familyOf(payload[0]);
  if (family === undefined) return undefined;
  let octets: Uint8Array = new Uint8Array(family === 4 ? 4 : 16);
  const interfaces: number[] = [];
  for (const { type, value } of readAttributes(payload, RTMSG)) {
    if (type === RTA.dst && value.length === octets.length) octets = value;
    if (type === RTA.oif && value.length === 4) interfaces.push(value.readUInt32LE(0));
    if (type === RTA.multipath) interfaces.push(...interfacesIn(value));
  }
  return { family, octets, length: payload[1] ?? 0, interfaces };
}

function interfacesIn(multipath: Buffer): readonly number[] {
  const found: number[] = [];
  for (let at = 0; at + RTNEXTHOP <= multipath.length;) {
    const length = multipath.readUInt16LE(at);
    if (length < RTNEXTHOP) break;
    found.push(multipath.readInt32LE(at + 4));
    at += (length + 3) & ~3;
  }
  return found;
}

export function readSizedLink(payload: Buffer): SizedLink | undefined {
  const link = readLink(payload);
  if (link === undefined) return undefined;
  for (const { type, value } of readAttributes(payload, IFINFOMSG)) {
    if (type === IFLA.mtu && value.length === 4) return { ...link, mtu: value.readUInt32LE(0) };
  }
  return undefined;
}

/** Undefined for a rule without a destination, or without the number of who has made it (Linux 4.17). */
export function readRule(payload: Buffer): RuleRecord | undefined {
  if (payload.length < FIB_RULE_HDR) return undefined;
  let destination: Uint8Array | undefined;
  let protocol: number | undefined;
  let priority = 0;
  for (const { type, value } of readAttributes(payload, FIB_RULE_HDR)) {
    if (type === FRA.destination) destination = value;
    if (type === FRA.priority && value.length === 4) priority = value.readUInt32LE(0);
    if (type === FRA.protocol) protocol = value[0];
  }
  return destination === undefined || protocol === undefined
    ? undefined
    : { destination, priority, protocol };
}

/**
 * Asks which way a packet of this machine's to `destination` takes. The answer is one message, or an error
 * such as ENETUNREACH.
 */
export function askRoute(writer: NetlinkWriter, sequence: number, destination: Uint8Array): void {
  const header = Buffer.alloc(RTMSG);
  header.set([destination.length === 4 ? AF_INET : AF_INET6, destination.length * 8]);
  const message = writer.beginWith(RTM_GETROUTE, NLM_F_REQUEST, sequence, header);
  writer.octets(RTA.dst, destination);
  writer.end(message);
}

/** The number of the interface that such an answer leads to. */
export function readWay(payload: Buffer): number | undefined {
  for (const { type, value } of readAttributes(payload, RTMSG)) {
    if (type === RTA.oif && value.length === 4) return value.readUInt32LE(0);
  }
  return undefined;
}

function familyOf(family: number | undefined): 4 | 6 | undefined {
  if (family === AF_INET) return 4;
  return family === AF_INET6 ? 6 : undefined;
}
