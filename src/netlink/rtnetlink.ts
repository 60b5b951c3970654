/**
 * Interfaces, addresses and routes on the wire, as far as the rules need them.
 *
 *     RTM_NEWLINK   ifinfomsg (16): family:1 pad:1 type:2 index:4 flags:4 change:4 | attributes
 *     RTM_NEWADDR   ifaddrmsg  (8): family:1 prefix-length:1 flags:1 scope:1 index:4 | attributes
 *     RTM_NEWROUTE  rtmsg     (12): family:1 dst-length:1 src-length:1 tos:1 table:1 protocol:1 scope:1 type:1 flags:4 | attributes
 *     RTA_VIA       rtvia      (2): family:2 | address
 *     RTA_MULTIPATH rtnexthop  (8): length:2 flags:1 hops:1 index:4 | attributes, and again
 *
 * Source: linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h.
 */
import { AF_INET6 } from "../sys/socket-address.ts";
import { NLM_F_DUMP, NLM_F_REQUEST } from "./constants.ts";
import { readAttributes } from "./reader.ts";
import type { NetlinkWriter } from "./writer.ts";

export const RTM_NEWLINK = 16;
export const RTM_NEWADDR = 20;
export const RTM_NEWROUTE = 24;
const RTM_GET_LINK = 18;
const RTM_GET_ADDR = 22;
export const RTM_GETROUTE = 26;
export const RTM_NEWRULE = 32;
const RTM_GET_RULE = 34;

export const IFINFOMSG = 16;
const IFADDRMSG = 8;
export const RTMSG = 12;
const RTVIA = 2;
export const RTNEXTHOP = 8;
export const IFF_UP = 1;
export const IFLA = { name: 3, mtu: 4, info: 18, namespace: 28 } as const;
export const IFA = { address: 1, local: 2 } as const;
export const RTA = {
  dst: 1,
  iif: 3,
  oif: 4,
  gateway: 5,
  multipath: 9,
  table: 15,
  via: 18,
  nexthop: 30,
} as const;
export const FRA = { destination: 1, priority: 6, protocol: 21 } as const;
export const RT_TABLE_MAIN = 254;
export const RTN_UNICAST = 1;
const RTPROT_KERNEL = 2;
const RTPROT_RA = 9;
/** A copy that the kernel made for one destination. */
export const RTM_F_CLONED = 0x200;

export interface Link {
  readonly index: number;
  readonly name: string;
}

/** An address range: 4 or 16 octets and how many bits of them count. */
export interface LinkPrefix {
  readonly interfaceIndex: number;
  readonly octets: Buffer;
  readonly length: number;
}

/**
 * Groups of the events that say interfaces, addresses or routes have changed (linux/rtnetlink.h, RTMGRP_*).
 * The last one is for nexthop objects, with which IPv4 routes go without another event. A kernel that knows
 * no such objects ignores it.
 */
export const NETWORK_EVENT_GROUPS = 0x1 | 0x10 | 0x40 | 0x100 | 0x400 | 0x8000_0000;

export type NetworkKind = "links" | "addresses" | "routes" | "rules";

/** Asks for everything of one kind. The kernel takes the four octets for any of the headers above. */
export function dumpNetwork(writer: NetlinkWriter, sequence: number, kind: NetworkKind): void {
  const type = { links: RTM_GET_LINK, addresses: RTM_GET_ADDR, routes: RTM_GETROUTE, rules: RTM_GET_RULE }[
    kind
  ];
  writer.end(writer.begin(type, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0, 0));
}

export function readLink(payload: Buffer): Link | undefined {
  if (payload.length < IFINFOMSG) return undefined;
  for (const { type, value } of readAttributes(payload, IFINFOMSG)) {
    if (type !== IFLA.name) continue;
    return { index: payload.readInt32LE(4), name: value.toString("utf8").replace(/\0.*$/s, "") };
  }
  return undefined;
}

/** The range that an address of an interface says is on its link. */
export function readAddressPrefix(payload: Buffer): LinkPrefix | undefined {
  if (payload.length < IFADDRMSG) return undefined;
  let octets: Buffer | undefined;
  for (const { type, value } of readAttributes(payload, IFADDRMSG)) {
    // On a point-to-point interface IFA_ADDRESS is the far end, IFA_LOCAL ours.
    if (type === IFA.local || (type === IFA.address && octets === undefined)) octets = value;
  }
  return octets && { interfaceIndex: payload.readUInt32LE(4), octets, length: payload[1] ?? 0 };
}

/**
 * The range of a route whose addresses are on the link: one of the main table without a gateway, not the
 * default one.
 */
export function readOnLinkRoute(payload: Buffer): LinkPrefix | undefined {
  if (payload.length < RTMSG || payload[4] !== RT_TABLE_MAIN || payload[7] !== RTN_UNICAST) return undefined;
  let octets: Buffer | undefined;
  let interfaceIndex = 0;
  for (const { type, value } of readAttributes(payload, RTMSG)) {
    if (type === RTA.gateway || type === RTA.via || type === RTA.multipath || type === RTA.nexthop) {
      return undefined;
    }
    if (type === RTA.dst) octets = value;
    if (type === RTA.oif && value.length === 4) interfaceIndex = value.readUInt32LE(0);
  }
  return octets && { interfaceIndex, octets, length: payload[1] ?? 0 };
}

/**
 * Whether a router may have brought the route by an advertisement (RFC 4861 section 4.2), which needs nobody
 * of this machine. The kernel calls prefixes of both kinds its own, those of routers and those of addresses.
 */
export function mayBeAdvertised(payload: Buffer): boolean {
  const protocol = payload[5];
  return payload[0] === AF_INET6 && (protocol === RTPROT_KERNEL || protocol === RTPROT_RA);
}

/**
 * Addresses of the routers that a route of any table leads to: 4 or 16 octets. Known limit: of a nexthop
 * object only what the kernel adds to the route itself, which it does unless `net.ipv4.nexthop_compat_mode`
 * is 0.
 */
export function readNextHops(payload: Buffer): readonly Buffer[] {
  if (payload.length < RTMSG || (payload.readUInt32LE(8) & RTM_F_CLONED) !== 0) return [];
  return nextHopsIn(payload.subarray(RTMSG)).filter(({ length }) => length === 4 || length === 16);
}

function nextHopsIn(attributes: Buffer): readonly Buffer[] {
  return [...readAttributes(attributes)].flatMap(({ type, value }) => {
    if (type === RTA.gateway) return [value];
    if (type === RTA.via) return [value.subarray(RTVIA)];
    return type === RTA.multipath ? multipathIn(value) : [];
  });
}

function multipathIn(value: Buffer): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + RTNEXTHOP <= value.length;) {
    const length = value.readUInt16LE(at);
    if (length < RTNEXTHOP || at + length > value.length) break;
    found.push(...nextHopsIn(value.subarray(at + RTNEXTHOP, at + length)));
    at += (length + 3) & ~3;
  }
  return found;
}
