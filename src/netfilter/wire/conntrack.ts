/**
 * Conntrack entries on the wire, as far as they tell whom we talk to, and under which mark.
 *
 *     IPCTNL_MSG_CT_NEW  nfgenmsg, original { ip { v4-src v4-dst | v6-src v6-dst } proto { number src-port dst-port } }, reply { ... }, mark ...
 *
 * Source: linux/netfilter/nfnetlink_conntrack.h.
 */
import { NFGENMSG } from "./constants.ts";
import { NLM_F_DUMP, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { AF_INET, AF_INET6 } from "../../sys/socket-address.ts";
import { readAttributes } from "../../netlink/reader.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";

const NFNL_SUBSYS_CTNETLINK = 1;
export const CT_NEW = NFNL_SUBSYS_CTNETLINK << 8;
const CT_GET = (NFNL_SUBSYS_CTNETLINK << 8) | 1;
export const CT_GET_STATS = (NFNL_SUBSYS_CTNETLINK << 8) | 5;
const CTA_STATS_GLOBAL_ENTRIES = 1;
const CTA_TUPLE_ORIG = 1;
const CTA_TUPLE_REPLY = 2;
const CTA_STATUS = 3;
const CTA_MARK = 8;
const CTA_MARK_MASK = 21;
const CTA_LABELS = 22;
/** Octets of a label: all of an entry's 128 bits. */
export const LABEL_OCTETS = 16;
const IPS_SEEN_REPLY = 0x2;
const CTA_TUPLE_IP = 1;
const CTA_TUPLE_PROTO = 2;
const CTA_IP_V4_SRC = 1;
const CTA_IP_V4_DST = 2;
const CTA_IP_V6_SRC = 3;
const CTA_IP_V6_DST = 4;
const CTA_PROTO = { number: 1, sourcePort: 2, destinationPort: 3 } as const;

/** One direction of a flow, as a socket sees it. */
export interface FlowTuple {
  /** 4 octets or 16, like `destination`. */
  readonly source: Buffer;
  readonly destination: Buffer;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly protocol: number;
}

/**
 * An entry, as far as it says who began the flow and which generation let it out. Octets are views into the
 * payload.
 */
export interface TrackedFlow {
  /** Who sent the first packet. */
  readonly opener: Buffer;
  /** Who answers it: where the flow goes, past every translation of addresses. */
  readonly answerer: Buffer;
  readonly mark: number;
}

/** Asks for every entry of both families, or for those whose mark has these bits. */
export function dumpConntrack(writer: NetlinkWriter, sequence: number, marked?: MarkMatch): void {
  const message = writer.begin(CT_GET, NLM_F_REQUEST | NLM_F_DUMP, sequence, 0, 0);
  if (marked !== undefined) {
    writer.number32(CTA_MARK, marked.wanted);
    writer.number32(CTA_MARK_MASK, marked.mask);
  }
  writer.end(message);
}

/** Asks how many entries this network namespace has; the kernel answers with a CT_GET_STATS. */
export function askEntryCount(writer: NetlinkWriter, sequence: number): void {
  writer.end(writer.begin(CT_GET_STATS, NLM_F_REQUEST, sequence, 0, 0));
}

/** What one CT_GET_STATS payload says; undefined if it does not. */
export function readEntryCount(payload: Buffer): number | undefined {
  for (const { type, value } of readAttributes(payload, NFGENMSG))
    if (type === CTA_STATS_GLOBAL_ENTRIES && value.length === 4) return value.readUInt32BE();
  return undefined;
}

/** `mark & mask == wanted` */
export interface MarkMatch {
  readonly mask: number;
  readonly wanted: number;
}

/**
 * Asks for the entry that a packet with this tuple belongs to, in either direction; the kernel answers ENOENT
 * if there is none.
 */
export function getConntrack(writer: NetlinkWriter, sequence: number, tuple: FlowTuple): void {
  const message = writer.begin(CT_GET, NLM_F_REQUEST, sequence, familyOf(tuple), 0);
  writeTuple(writer, CTA_TUPLE_ORIG, tuple);
  writer.end(message);
}

/**
 * Gives an entry another mark, and another label if the caller gives one. `reply` is the tuple of what the
 * far end sends, with the addresses behind every redirect. The kernel answers ENOENT if there is no such
 * entry.
 */
export function setConntrackMark(
  writer: NetlinkWriter,
  sequence: number,
  reply: FlowTuple,
  { mark, label }: FlowNote,
): void {
  const message = writer.begin(CT_NEW, NLM_F_REQUEST, sequence, familyOf(reply), 0);
  writeTuple(writer, CTA_TUPLE_REPLY, reply);
  writer.number32(CTA_MARK, mark);
  if (label !== undefined) writer.octets(CTA_LABELS, label);
  writer.end(message);
}

/** What is kept with a flow. */
export interface FlowNote {
  readonly mark: number;
  /**
   * {@link LABEL_OCTETS}. The kernel has room for it in flows that began while some rule mentioned labels.
   */
  readonly label?: Uint8Array | undefined;
}

function familyOf({ source }: FlowTuple): number {
  return source.length === 4 ? AF_INET : AF_INET6;
}

function writeTuple(writer: NetlinkWriter, type: number, tuple: FlowTuple): void {
  const isV4 = tuple.source.length === 4;
  writer.nest(type);
  writer.nest(CTA_TUPLE_IP);
  writer.octets(isV4 ? CTA_IP_V4_SRC : CTA_IP_V6_SRC, tuple.source);
  writer.octets(isV4 ? CTA_IP_V4_DST : CTA_IP_V6_DST, tuple.destination);
  writer.endNested();
  writer.nest(CTA_TUPLE_PROTO);
  writer.octets(CTA_PROTO.number, Uint8Array.of(tuple.protocol));
  writer.octets(CTA_PROTO.sourcePort, portOctets(tuple.sourcePort));
  writer.octets(CTA_PROTO.destinationPort, portOctets(tuple.destinationPort));
  writer.endNested();
  writer.endNested();
}

/** What one CT_NEW payload says of its flow. */
export function readFlow(payload: Buffer): TrackedFlow | undefined {
  let opener: Buffer | undefined;
  let answerer: Buffer | undefined;
  let mark = 0;
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === CTA_TUPLE_ORIG) opener = readAddress(value, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
    else if (type === CTA_TUPLE_REPLY) answerer = readAddress(value, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
    else if (type === CTA_MARK && value.length === 4) mark = value.readUInt32BE();
  }
  return opener && answerer && { opener, answerer, mark };
}

/** A flow as the one who began it sees it, and its label. Octets are views into the payload. */
export interface LabelledFlow {
  readonly flow: FlowTuple;
  /** What the far end sends, behind every translation of addresses. */
  readonly reply: FlowTuple;
  /** Undefined if it has none. */
  readonly label: Buffer | undefined;
}

export function readLabelledFlow(payload: Buffer): LabelledFlow | undefined {
  let [flow, reply]: (FlowTuple | undefined)[] = [];
  let label: Buffer | undefined;
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === CTA_TUPLE_ORIG) flow = readTuple(value);
    else if (type === CTA_TUPLE_REPLY) reply = readTuple(value);
    else if (type === CTA_LABELS && value.length === LABEL_OCTETS) label = value;
  }
  return flow && reply && { flow, reply, label };
}

function readTuple(tuple: Buffer): FlowTuple | undefined {
  const source = readAddress(tuple, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  const destination = readAddress(tuple, CTA_IP_V4_DST, CTA_IP_V6_DST);
  const proto = readPart(tuple, CTA_TUPLE_PROTO);
  if (source === undefined || destination === undefined || proto === undefined) return undefined;
  const { protocol, port: destinationPort, sourcePort } = readProto(proto);
  return { source, destination, sourcePort, destinationPort, protocol };
}

/** Who sent a flow's first packet to whom, and whether anything has come back. */
export interface OpenedFlow {
  readonly opener: Buffer;
  readonly destination: Buffer;
  readonly isAnswered: boolean;
}

/** Octets are a view into the payload. */
export function readOpenedFlow(payload: Buffer): OpenedFlow | undefined {
  const { tuple, isAnswered } = readFirstPacket(payload);
  const opener = tuple && readAddress(tuple, CTA_IP_V4_SRC, CTA_IP_V6_SRC);
  const destination = tuple && readAddress(tuple, CTA_IP_V4_DST, CTA_IP_V6_DST);
  return opener && destination && { opener, destination, isAnswered };
}

/** A flow, as far as it says what became of it. Octets are a view into the payload. */
export interface FlowFate {
  readonly destination: Buffer;
  /** 0 if the protocol has none. */
  readonly port: number;
  readonly protocol: number;
  /** Whether a packet has come back. */
  readonly isAnswered: boolean;
}

export function readFate(payload: Buffer): FlowFate | undefined {
  const { tuple, isAnswered } = readFirstPacket(payload);
  const destination = tuple && readAddress(tuple, CTA_IP_V4_DST, CTA_IP_V6_DST);
  const proto = tuple && readPart(tuple, CTA_TUPLE_PROTO);
  if (destination === undefined || proto === undefined) return undefined;
  const { protocol, port } = readProto(proto);
  return { destination, protocol, port, isAnswered };
}

/** The tuple of a flow's first packet, and whether one has come back. */
function readFirstPacket(payload: Buffer): {
  readonly tuple: Buffer | undefined;
  readonly isAnswered: boolean;
} {
  let tuple: Buffer | undefined;
  let status = 0;
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === CTA_TUPLE_ORIG) tuple = value;
    else if (type === CTA_STATUS && value.length === 4) status = value.readUInt32BE();
  }
  return { tuple, isAnswered: (status & IPS_SEEN_REPLY) !== 0 };
}

function readPart(tuple: Buffer, wanted: number): Buffer | undefined {
  for (const { type, value } of readAttributes(tuple)) if (type === wanted) return value;
  return undefined;
}

interface Proto {
  readonly protocol: number;
  readonly sourcePort: number;
  /** Of the destination. */
  readonly port: number;
}

function readProto(proto: Buffer): Proto {
  let [protocol, sourcePort, port] = [0, 0, 0];
  for (const { type, value } of readAttributes(proto)) {
    if (type === CTA_PROTO.number && value.length >= 1) protocol = value[0] ?? 0;
    if (type === CTA_PROTO.sourcePort && value.length >= 2) sourcePort = value.readUInt16BE();
    if (type === CTA_PROTO.destinationPort && value.length >= 2) port = value.readUInt16BE();
  }
  return { protocol, sourcePort, port };
}

/** The destination of the flow's first packet, 4 or 16 octets; a view into the payload. */
export function readDestination(payload: Buffer): Buffer | undefined {
  for (const { type, value } of readAttributes(payload, NFGENMSG)) {
    if (type === CTA_TUPLE_ORIG) return readAddress(value, CTA_IP_V4_DST, CTA_IP_V6_DST);
  }
  return undefined;
}

function readAddress(tuple: Buffer, v4: number, v6: number): Buffer | undefined {
  const ip = readPart(tuple, CTA_TUPLE_IP);
  if (ip === undefined) return undefined;
  for (const { type, value } of readAttributes(ip)) if (type === v4 || type === v6) return value;
  return undefined;
}

function portOctets(port: number): Uint8Array {
  return Uint8Array.of(port >>> 8, port & 255);
}
