/**
 * What `ip link`, `ip address`, `ip route` and `ip rule` say when they make or remove something. Headers as
 * in `rtnetlink.ts`, and
 *
 *     RTM_NEWRULE   fib_rule_hdr (12): family:1 dst-length:1 src-length:1 tos:1 table:1 pad:2 action:1 flags:4 | attributes
 *
 * Source: linux/rtnetlink.h, linux/if_link.h, linux/veth.h, linux/fib_rules.h.
 */
import { AF_INET, AF_INET6 } from "../sys/socket-address.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from "./constants.ts";
import {
  IFA,
  IFF_UP,
  IFLA,
  FRA,
  RT_TABLE_MAIN,
  RTA,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_NEWRULE,
  RTN_UNICAST,
} from "./rtnetlink.ts";
import type { NetlinkWriter } from "./writer.ts";

const RTM_DELLINK = 17;
const RTM_DELRULE = 33;
const IFLA_INFO = { kind: 1, data: 2 } as const;
const VETH_INFO_PEER = 1;
/** Usable at once, without a search for others that have it. */
const IFA_F_NODAD = 0x02;
const RTPROT_STATIC = 4;
const FR_ACT_TO_TBL = 1;
const MAKE = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL;
const CHANGE = NLM_F_REQUEST | NLM_F_ACK;

export interface VethPair {
  readonly name: string;
  /** Its interface number. */
  readonly index: number;
  readonly peerName: string;
  readonly peerIndex: number;
  /** An open file of the network namespace that the peer is to be in. */
  readonly peerNamespace: number;
  readonly mtu: number;
}

/** Both ends are down: the kernel opens none that has no peer yet. */
export function addVeth(writer: NetlinkWriter, sequence: number, pair: VethPair): void {
  const message = writer.beginWith(RTM_NEWLINK, MAKE, sequence, linkHeader(pair.index, 0));
  writer.text(IFLA.name, pair.name);
  writer.host32(IFLA.mtu, pair.mtu);
  writer.nest(IFLA.info);
  writer.text(IFLA_INFO.kind, "veth");
  writer.nest(IFLA_INFO.data);
  writer.nest(VETH_INFO_PEER);
  writer.raw(linkHeader(pair.peerIndex, 0));
  writer.text(IFLA.name, pair.peerName);
  writer.host32(IFLA.mtu, pair.mtu);
  writer.host32(IFLA.namespace, pair.peerNamespace);
  for (let open = 0; open < 3; open++) writer.endNested();
  writer.end(message);
}

export function setLinkUp(writer: NetlinkWriter, sequence: number, index: number): void {
  writer.end(writer.beginWith(RTM_NEWLINK, CHANGE, sequence, linkHeader(index, IFF_UP)));
}

/** The other end of a pair goes, too. */
export function deleteLink(writer: NetlinkWriter, sequence: number, index: number): void {
  writer.end(writer.beginWith(RTM_DELLINK, CHANGE, sequence, linkHeader(index, 0)));
}

export interface OwnAddress {
  readonly index: number;
  /** 4 or 16. */
  readonly octets: Uint8Array;
  /** How many bits of it the link's others share. */
  readonly length: number;
}

export function addAddress(
  writer: NetlinkWriter,
  sequence: number,
  { index, octets, length }: OwnAddress,
): void {
  const header = Buffer.alloc(8);
  header.set([familyOf(octets), length, IFA_F_NODAD, 0]);
  header.writeUInt32LE(index, 4);
  const message = writer.beginWith(RTM_NEWADDR, MAKE, sequence, header);
  writer.octets(IFA.local, octets);
  writer.octets(IFA.address, octets);
  writer.end(message);
}

/** A default route of the main table. */
export function addDefaultRoute(
  writer: NetlinkWriter,
  sequence: number,
  index: number,
  gateway: Uint8Array,
): void {
  const header = Buffer.alloc(12);
  header.set([familyOf(gateway), 0, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, 0, RTN_UNICAST]);
  const message = writer.beginWith(RTM_NEWROUTE, MAKE, sequence, header);
  writer.octets(RTA.gateway, gateway);
  writer.host32(RTA.oif, index);
  writer.end(message);
}

export interface LookupRule {
  readonly destination: Uint8Array;
  readonly priority: number;
  /** Tells whose it is, as RTPROT_* do of routes. */
  readonly protocol: number;
}

/** `to DESTINATION lookup main`, whatever rules come behind. */
export function addRule(writer: NetlinkWriter, sequence: number, rule: LookupRule): void {
  writeRule(writer, RTM_NEWRULE, MAKE, sequence, rule);
}

export function deleteRule(writer: NetlinkWriter, sequence: number, rule: LookupRule): void {
  writeRule(writer, RTM_DELRULE, CHANGE, sequence, rule);
}

function writeRule(
  writer: NetlinkWriter,
  type: number,
  flags: number,
  sequence: number,
  { destination, priority, protocol }: LookupRule,
): void {
  const header = Buffer.alloc(12);
  header.set([familyOf(destination), destination.length * 8, 0, 0, RT_TABLE_MAIN, 0, 0, FR_ACT_TO_TBL]);
  const message = writer.beginWith(type, flags, sequence, header);
  writer.octets(FRA.destination, destination);
  writer.host32(FRA.priority, priority);
  writer.octets(FRA.protocol, Uint8Array.of(protocol));
  writer.end(message);
}

function linkHeader(index: number, flags: number): Buffer {
  const header = Buffer.alloc(16);
  header.writeInt32LE(index, 4);
  header.writeUInt32LE(flags, 8);
  header.writeUInt32LE(flags, 12);
  return header;
}

function familyOf(octets: Uint8Array): number {
  return octets.length === 4 ? AF_INET : AF_INET6;
}
