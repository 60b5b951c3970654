import {
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOL_SOCKET,
  SO_ERROR,
  SO_PRIORITY,
  SO_MARK,
  SO_REUSEADDR,
  IPPROTO_IPV6,
  IPV6_V6ONLY,
} from "./socket-constants.ts";
import { createArena, type Arena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { mustCall, tryCall, EINPROGRESS } from "./libc.ts";
import { mustRunUnderGroup } from "./socket-group.ts";
import { AF_INET6, addressFamily, encodeSocketAddress, readPort, type Endpoint } from "./socket-address.ts";

export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;

/** What marks a packet as the sidecar's own: all that is there must match in the kernel. */
export interface SocketMark {
  readonly mark: number;
  readonly priority: number;
  /** The group that the socket is opened under; undefined if there can be none. */
  readonly group: number | undefined;
}

export interface SocketOptions {
  readonly type: typeof SOCK_STREAM | typeof SOCK_DGRAM;
  readonly local?: Endpoint;
  readonly remote?: Endpoint;
  readonly mark?: SocketMark;
  /** Octets asked for. Past the machine's limit only where CAP_NET_ADMIN holds on the machine itself. */
  readonly receiveBuffer?: number;
  /**
   * Whether `local` may have connections that are ending (SO_REUSEADDR, which shares no TCP port with another
   * listener). Default: no.
   */
  readonly reusesAddress?: boolean;
}

/**
 * Opens a socket in the current network namespace: non-blocking, closed on exec, never shareable (no
 * SO_REUSEPORT, and SO_REUSEADDR only if that is asked for). A stream socket with `remote` may still be
 * connecting when this returns. Throws SystemCallError.
 */
export function openSocket(options: SocketOptions): number {
  const { type, local, remote, mark } = options;
  const family = addressFamily((local ?? remote)?.address ?? "0.0.0.0");
  const open = (): number => mustCall("", "socket", family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const fd = mark?.group === undefined ? open() : mustRunUnderGroup(mark.group, open);
  try {
    if (family === AF_INET6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    if (options.reusesAddress === true) setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (mark) {
      setOption(fd, SOL_SOCKET, SO_MARK, mark.mark);
      setOption(fd, SOL_SOCKET, SO_PRIORITY, mark.priority);
    }
    if (options.receiveBuffer !== undefined) setReceiveBuffer(fd, options.receiveBuffer);
    if (local) callWithAddress("bind", fd, local);
    if (remote) callWithAddress("connect", fd, remote);
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
}

export function closeSocket(fd: number): void {
  tryCall("close", fd);
}

/** The error that a connecting socket ended with, as errno; 0 is success. Reading it clears it. */
export function takeSocketError(fd: number): number {
  const scratch = createArena(8);
  scratch.words[1] = 4;
  mustCall("SO_ERROR", "getsockopt", fd, SOL_SOCKET, SO_ERROR, scratch.address(0), scratch.address(4));
  return scratch.words[0] ?? 0;
}

/** The port that the socket is bound to. */
export function localPort(fd: number): number {
  const scratch = createArena(40);
  scratch.words[8] = 32;
  mustCall("", "getsockname", fd, scratch.address(0), scratch.address(32));
  return readPort(scratch.octets, 0);
}

/**
 * Asks for a receive buffer by force, else as large as the machine's limit lets it be (a user namespace has
 * no force).
 */
export function setReceiveBuffer(fd: number, octets: number): void {
  setBuffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, octets);
}

/** The same for what is sent. */
export function setSendBuffer(fd: number, octets: number): void {
  setBuffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, octets);
}

function setBuffer(fd: number, byForce: number, byLeave: number, octets: number): void {
  const scratch = createArena(8);
  scratch.words[0] = octets;
  if (tryCall("setsockopt", fd, SOL_SOCKET, byForce, scratch.address(0), 4) < 0) {
    setOption(fd, SOL_SOCKET, byLeave, octets);
  }
}

export function setOption(fd: number, level: number, name: number, value: number): void {
  const scratch = createArena(8);
  scratch.words[0] = value;
  mustCall(`option ${name}`, "setsockopt", fd, level, name, scratch.address(0), 4);
}

function callWithAddress(call: "bind" | "connect", fd: number, endpoint: Endpoint): void {
  const encoded = encodeSocketAddress(endpoint);
  const scratch: Arena = createArena(encoded.length);
  scratch.octets.set(encoded);
  const result = tryCall(call, fd, scratch.address(0), encoded.length);
  if (result < 0 && result !== -EINPROGRESS) {
    throw new SystemCallError(call, -result, `${endpoint.address} port ${endpoint.port}`);
  }
}
