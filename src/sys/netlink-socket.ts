import { MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_RAW, SOL_SOCKET } from "./socket-constants.ts";
import { type Arena, createArena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { EAGAIN, EINTR, EMSGSIZE, mustCall, tryCall } from "./libc.ts";
import { closeSocket, setReceiveBuffer, setSendBuffer } from "./socket.ts";

const AF_NETLINK = 16;
const SO_ATTACH_FILTER = 26;
const SOL_NETLINK = 270;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;
const NETLINK_LIST_MEMBERSHIPS = 9;
const NETLINK_CAP_ACK = 10;
const RECEIVE_SIZE = 65_536;
const SEND_SIZE = 65_536;

/** By their numbers. */
const EVERY_GROUP: readonly number[] = Array.from({ length: 32 }, (_, bit) => bit + 1);

export interface NetlinkOptions {
  /** Room for what is sent at once and for what waits to be received, as far as the machine lets it be. */
  readonly bufferOctets: number;
  /** Groups whose events it receives, a bit each. */
  readonly groups?: number;
  /** The port that it is to have; without it the kernel picks one. */
  readonly port?: number;
}

/**
 * A netlink socket of the namespace that it was opened in. Synchronous: the kernel answers before `send`
 * returns.
 */
export interface NetlinkSocket {
  readonly fd: number;
  /** The kernel's name for the socket: what its requests bring about carries it, in events too. */
  readonly port: number;
  /** Sends one message or batch, the first `length` octets. Throws SystemCallError. */
  send(octets: Buffer, length?: number): void;
  /**
   * What the kernel has answered so far, one datagram; `undefined` when there is nothing. Valid until the
   * next call.
   */
  receive(): Buffer | undefined;
  /**
   * Begins and ends to receive the events of a group, by its number (`NFNLGRP_NFTABLES` is 7). Some
   * microseconds.
   */
  join(group: number): void;
  leave(group: number): void;
  /**
   * Whether it no longer receives the events of a group that it is to: another process may have the
   * descriptor, too. Some microseconds.
   */
  hasLostGroup(): boolean;
  /**
   * From now on what the requests of these ports bring about is dropped by the kernel, before it wakes us.
   */
  ignorePorts(ports: readonly number[]): void;
  close(): void;
}

/** Opens one; `protocol` as in `linux/netlink.h` (NETLINK_NETFILTER is 12). Throws SystemCallError. */
export function openNetlinkSocket(
  protocol: number,
  { bufferOctets, groups = 0, port = 0 }: NetlinkOptions,
): NetlinkSocket {
  const fd = mustCall("AF_NETLINK", "socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const receiving = createArena(RECEIVE_SIZE);
  /** What was received last, for most datagrams have the length of those before. */
  let received = receiving.octets.subarray(0, 0);
  setWord(fd, NETLINK_CAP_ACK, 1);
  setReceiveBuffer(fd, bufferOctets);
  setSendBuffer(fd, bufferOctets);
  // sockaddr_nl: family:2 pad:2 port:4 groups:4.
  const address = createArena(12);
  address.words.set([AF_NETLINK, port, groups]);
  mustCall("AF_NETLINK", "bind", fd, address.address(0), 12);
  const wanted = new Set(groups === 0 ? [] : EVERY_GROUP.filter((group) => isIn(groups, group)));
  return {
    fd,
    port: readPort(fd),
    join(group) {
      setWord(fd, NETLINK_ADD_MEMBERSHIP, group);
      wanted.add(group);
    },
    leave(group) {
      setWord(fd, NETLINK_DROP_MEMBERSHIP, group);
      wanted.delete(group);
    },
    hasLostGroup() {
      const memberships = readMemberships(fd);
      return [...wanted].some((group) => !isIn(memberships, group));
    },
    ignorePorts: (ports) => attachFilter(fd, dropPorts(ports)),
    send(octets, asked = octets.length) {
      const sending = roomToSend(asked);
      octets.copy(sending.octets, 0, 0, asked);
      for (;;) {
        const sent = tryCall("send", fd, sending.address(0), asked, 0);
        if (sent === asked) return;
        if (sent !== -EINTR) throw new SystemCallError("send", sent < 0 ? -sent : EMSGSIZE, "netlink");
      }
    },
    receive() {
      for (;;) {
        const length = tryCall("recv", fd, receiving.address(0), RECEIVE_SIZE, MSG_DONTWAIT);
        if (length >= 0) {
          if (received.length !== length) received = receiving.octets.subarray(0, length);
          return received;
        }
        if (length === -EAGAIN) return undefined;
        if (length !== -EINTR) throw new SystemCallError("recv", -length, "netlink");
      }
    },
    close: () => closeSocket(fd),
  };
}

/** For requests and their answers. */
export type RequestSocket = Pick<NetlinkSocket, "port" | "send" | "receive" | "close">;

/**
 * Opens one that lasts: if its descriptor is lost at a request, another is opened with the same port, and
 * sends the request. Throws SystemCallError.
 */
export function openRequestSocket(protocol: number, options: NetlinkOptions): RequestSocket {
  let socket = openNetlinkSocket(protocol, options);
  const { port } = socket;
  return {
    port,
    send(octets, length) {
      try {
        socket.send(octets, length);
      } catch (error) {
        if (!isLost(error)) throw error;
        // Its number is not closed: it may be somebody else's by now.
        socket = openNetlinkSocket(protocol, { ...options, port });
        socket.send(octets, length);
      }
    },
    receive: () => socket.receive(),
    close: () => socket.close(),
  };
}

function isLost(error: unknown): boolean {
  return error instanceof SystemCallError && (error.code === "EBADF" || error.code === "ENOTSOCK");
}

/** One for all sockets: the kernel has what is sent when the call returns. */
let sendRoom: Arena | undefined;

function roomToSend(octets: number): Arena {
  if (sendRoom === undefined || sendRoom.octets.length < octets) {
    sendRoom = createArena(Math.max(SEND_SIZE, octets * 2));
  }
  return sendRoom;
}

function setWord(fd: number, option: number, value: number): void {
  const scratch = createArena(8);
  scratch.words[0] = value;
  mustCall(`netlink option ${option}`, "setsockopt", fd, SOL_NETLINK, option, scratch.address(0), 4);
}

/** A bit each. */
function isIn(groups: number, group: number): boolean {
  return ((groups >>> (group - 1)) & 1) === 1;
}

/** Of the first 32 groups. No group of ours has a higher number. */
function readMemberships(fd: number): number {
  const scratch = createArena(8);
  scratch.words[1] = 4;
  const [value, length] = [scratch.address(0), scratch.address(4)];
  mustCall("netlink groups", "getsockopt", fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, value, length);
  return scratch.words[0] ?? 0;
}

/** sockaddr_nl, as above. */
function readPort(fd: number): number {
  const scratch = createArena(16);
  scratch.words[3] = 12;
  mustCall("AF_NETLINK", "getsockname", fd, scratch.address(0), scratch.address(12));
  return scratch.words[1] ?? 0;
}

/**
 * One instruction of classic BPF (`linux/filter.h`): what to do, how far to jump if it holds and if not, a
 * number.
 */
type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const RETURN = 0x06;
const WHOLE = 0xffff_ffff;
/** Where nlmsghdr has the port. It is in host order, and a filter loads in network order. */
const PORT_OFFSET = 12;

function dropPorts(ports: readonly number[]): readonly Instruction[] {
  return [
    [LOAD_WORD, 0, 0, PORT_OFFSET],
    ...ports.map((port, index): Instruction => [JUMP_IF_EQUAL, ports.length - index, 0, swapOctets(port)]),
    [RETURN, 0, 0, WHOLE],
    [RETURN, 0, 0, 0],
  ];
}

function swapOctets(word: number): number {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(word);
  return octets.readUInt32BE();
}

/**
 * sock_fprog: length:2 pad:6 pointer:8, and behind it the program: code:2 ifTrue:1 ifFalse:1 value:4. The
 * kernel keeps a copy.
 */
function attachFilter(fd: number, program: readonly Instruction[]): void {
  const scratch = createArena(16 + 8 * program.length);
  scratch.octets.writeUInt16LE(program.length, 0);
  scratch.writePointer(8, 16);
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    const at = 16 + 8 * index;
    scratch.octets.writeUInt16LE(code, at);
    scratch.octets.writeUInt8(ifTrue, at + 2);
    scratch.octets.writeUInt8(ifFalse, at + 3);
    scratch.octets.writeUInt32LE(value, at + 4);
  }
  mustCall("netlink filter", "setsockopt", fd, SOL_SOCKET, SO_ATTACH_FILTER, scratch.address(0), 16);
}
