/**
 * The kernel's socket monitor on the wire: what `ss -tu` and `ss -K` say.
 *
 *     SOCK_DIAG_BY_FAMILY, SOCK_DESTROY  nlmsghdr, family:1 protocol:1 extensions:1 pad:1 states:4 id:48                      72 octets
 *     a socket                           nlmsghdr, family:1 state:1 timer:1 retransmissions:1 id:48 expires:4 queues:8 uid:4 inode:4
 *     id                                 local port:2 remote port:2 local:16 remote:16 interface:4 cookie:8
 *
 * Ports and addresses in network order, the rest in host order. An AF_INET6 socket that speaks IPv4 has
 * IPv4-mapped addresses. Source: linux/inet_diag.h, linux/sock_diag.h.
 */
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NLMSG_HDRLEN } from "./constants.ts";
import { AF_INET, AF_INET6 } from "../sys/socket-address.ts";
import { isIpv4Mapped } from "../policy/address.ts";
import { readAttributes } from "./reader.ts";

export const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
const REQUEST = 72;
const STATES_AT = NLMSG_HDRLEN + 4;
const ID_AT = NLMSG_HDRLEN + 8;
const ID = 48;
/** All ones, INET_DIAG_NOCOOKIE, is whichever socket has the rest. */
const COOKIE_AT = 40;
/** Where an id stands in a socket's message, behind the nlmsghdr. */
const SOCKET_ID_AT = 4;

/** Octets of a socket's message before its attributes. */
const INET_DIAG_MSG = 72;
const INET_DIAG_MARK = 15;

export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;

/** One dump has the sockets of one of these. */
export interface SocketKind {
  readonly family: typeof AF_INET | typeof AF_INET6;
  readonly protocol: typeof IPPROTO_TCP | typeof IPPROTO_UDP;
}

export const SOCKET_KINDS: readonly SocketKind[] = [
  { family: AF_INET, protocol: IPPROTO_TCP },
  { family: AF_INET6, protocol: IPPROTO_TCP },
  { family: AF_INET, protocol: IPPROTO_UDP },
  { family: AF_INET6, protocol: IPPROTO_UDP },
];

/** A connected socket. Octets are views into the message that told of it. */
export interface ConnectedSocket {
  /** 4 octets, or 16; never an IPv4-mapped address. */
  readonly local: Buffer;
  readonly remote: Buffer;
  readonly localPort: number;
  readonly remotePort: number;
  /** Its SO_MARK, which the kernel tells to CAP_NET_ADMIN. */
  readonly mark: number;
  /** What tells it from every other socket that was ever there. */
  readonly id: Buffer;
}

/**
 * TCP_ESTABLISHED (a connected UDP socket too), SYN_SENT, FIN_WAIT1, FIN_WAIT2, CLOSE_WAIT, LAST_ACK,
 * CLOSING.
 */
const CONNECTED_STATES = [1, 2, 4, 5, 8, 9, 11].reduce((mask, state) => mask | (1 << state), 0);

/** TCP_LISTEN, and TCP_CLOSE: what an unconnected UDP socket is in, and no TCP socket that has a port. */
const WAITING_STATES = [7, 10].reduce((mask, state) => mask | (1 << state), 0);

/** Asks for every socket of a kind that has a far end. */
export function encodeSocketDump(kind: SocketKind, sequence: number): Buffer {
  return encodeDump(kind, sequence, CONNECTED_STATES);
}

/** Asks for every socket of a kind that takes what comes from anywhere; its far end is no one. */
export function encodeWaitingDump(kind: SocketKind, sequence: number): Buffer {
  return encodeDump(kind, sequence, WAITING_STATES);
}

function encodeDump(kind: SocketKind, sequence: number, states: number): Buffer {
  const message = encodeRequest(SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST | NLM_F_DUMP, sequence, kind);
  message.writeUInt32LE(states, STATES_AT);
  return message;
}

/** Asks the kernel to end the socket with ECONNABORTED. */
export function encodeSocketDestroy(kind: SocketKind, sequence: number, id: Buffer): Buffer {
  const message = encodeRequest(SOCK_DESTROY, NLM_F_REQUEST | NLM_F_ACK, sequence, kind);
  id.copy(message, ID_AT);
  return message;
}

/** The same for the TCP socket of a flow, as it sees the flow: any that there is. */
export function encodeFlowDestroy(sequence: number, flow: SocketEnds): Buffer {
  const family = flow.source.length === 4 ? AF_INET : AF_INET6;
  const id = Buffer.alloc(ID);
  id.writeUInt16BE(flow.sourcePort, 0);
  id.writeUInt16BE(flow.destinationPort, 2);
  id.set(flow.source, 4);
  id.set(flow.destination, 20);
  id.fill(0xff, COOKIE_AT);
  return encodeSocketDestroy({ family, protocol: IPPROTO_TCP }, sequence, id);
}

interface SocketEnds {
  /** 4 octets or 16, like `destination`. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** The socket of one SOCK_DIAG_BY_FAMILY payload. */
export function readSocket(payload: Buffer): ConnectedSocket | undefined {
  if (payload.length < SOCKET_ID_AT + ID) return undefined;
  const id = payload.subarray(SOCKET_ID_AT, SOCKET_ID_AT + ID);
  const family = payload[0] ?? 0;
  return {
    local: readAddress(id, 4, family),
    remote: readAddress(id, 20, family),
    localPort: id.readUInt16BE(0),
    remotePort: id.readUInt16BE(2),
    mark: readMark(payload),
    id,
  };
}

function readMark(payload: Buffer): number {
  for (const { type, value } of readAttributes(payload, INET_DIAG_MSG))
    if (type === INET_DIAG_MARK && value.length === 4) return value.readUInt32LE();
  return 0;
}

function readAddress(id: Buffer, at: number, family: number): Buffer {
  if (family === AF_INET) return id.subarray(at, at + 4);
  return isIpv4Mapped(id, at) ? id.subarray(at + 12, at + 16) : id.subarray(at, at + 16);
}

function encodeRequest(type: number, flags: number, sequence: number, kind: SocketKind): Buffer {
  const message = Buffer.alloc(REQUEST);
  message.writeUInt32LE(REQUEST, 0);
  message.writeUInt16LE(type, 4);
  message.writeUInt16LE(flags, 6);
  message.writeUInt32LE(sequence, 8);
  message[NLMSG_HDRLEN] = kind.family;
  message[NLMSG_HDRLEN + 1] = kind.protocol;
  return message;
}
