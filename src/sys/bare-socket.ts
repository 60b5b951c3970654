/**
 * A socket of any family, driven call by call: for what Node's sockets and `openSocket` cannot ask of the
 * kernel.
 */
import { MSG_DONTWAIT, SOCK_CLOEXEC, SOCK_NONBLOCK } from "./socket-constants.ts";
import { createArena } from "./arena.ts";
import { EAGAIN, EINTR, mustCall, tryCall, EINPROGRESS } from "./libc.ts";
import { SystemCallError } from "./errors.ts";
import { encodeSocketAddress, type Endpoint } from "./socket-address.ts";

export const AF_PACKET = 17;
export const AF_VSOCK = 40;
export const SOL_PACKET = 263;

const ROOM = 65_536;

/** Each call throws SystemCallError. Non-blocking. */
export interface BareSocket extends Disposable {
  readonly fd: number;
  set(level: number, name: number, value: number): void;
  setOctets(level: number, name: number, value: Uint8Array): void;
  /** The option's first `length` octets. */
  get(level: number, name: number, length: number): Buffer;
  /** `address` as the kernel takes it: see `internetAddress` and `linkAddress`. */
  bind(address: Uint8Array): void;
  /** A connection may still be under way when it returns. */
  connect(address: Uint8Array): void;
  send(octets: Uint8Array, address?: Uint8Array, flags?: number): void;
  /** What has come, one datagram, and its sender's address; copies. `undefined` when there is nothing. */
  receive(): { readonly octets: Buffer; readonly from: Buffer } | undefined;
}

export interface SocketKind {
  readonly domain: number;
  readonly type: number;
  readonly protocol?: number;
}

export function openBareSocket({ domain, type, protocol = 0 }: SocketKind): BareSocket {
  const fd = mustCall(`family ${domain}`, "socket", domain, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  const setOctets = (level: number, name: number, value: Uint8Array): void =>
    withOctets(value, (at) => {
      mustCall(`option ${name}`, "setsockopt", fd, level, name, at, value.length);
    });
  let room: ReturnType<typeof createArena> | undefined;
  return {
    fd,
    set: (level, name, value) => setOctets(level, name, Uint8Array.from(int32(value))),
    setOctets,
    get(level, name, length) {
      const scratch = createArena(length + 8);
      const at = Math.ceil(length / 4) * 4;
      scratch.words[at >> 2] = length;
      mustCall(`option ${name}`, "getsockopt", fd, level, name, scratch.address(0), scratch.address(at));
      return scratch.octets.subarray(0, length);
    },
    bind(address) {
      withOctets(address, (at) => mustCall("", "bind", fd, at, address.length));
    },
    connect(address) {
      const result = withOctets(address, (at) => tryCall("connect", fd, at, address.length));
      if (result < 0 && result !== -EINPROGRESS) throw new SystemCallError("connect", -result);
    },
    send(octets, address = new Uint8Array(), flags = 0) {
      withOctets(Buffer.concat([octets, address]), (at) => {
        const to = address.length === 0 ? 0 : at + octets.length;
        mustCall("", "sendto", fd, at, octets.length, MSG_DONTWAIT | flags, to, address.length);
      });
    },
    receive() {
      room ??= createArena(ROOM + 40);
      return receiveInto(fd, room);
    },
    [Symbol.dispose]: () => void tryCall("close", fd),
  };
}

/** Gives `call` the address of a copy of the octets, which lasts as long as the call. */
function withOctets<T>(octets: Uint8Array, call: (address: number) => T): T {
  const scratch = createArena(octets.length);
  scratch.octets.set(octets);
  try {
    return call(scratch.address(0));
  } finally {
    scratch.octets.fill(0); // a use behind the call: until here it may not be collected
  }
}

function receiveInto(
  fd: number,
  room: ReturnType<typeof createArena>,
): { readonly octets: Buffer; readonly from: Buffer } | undefined {
  const sizeAt = ROOM + 32;
  for (;;) {
    room.words[sizeAt >> 2] = 32;
    const [from, size] = [room.address(ROOM), room.address(sizeAt)];
    const length = tryCall("recvfrom", fd, room.address(0), ROOM, MSG_DONTWAIT, from, size);
    if (length === -EAGAIN) return undefined;
    if (length === -EINTR) continue;
    if (length < 0) throw new SystemCallError("recvfrom", -length);
    return {
      octets: Buffer.from(room.octets.subarray(0, length)),
      from: Buffer.from(room.octets.subarray(ROOM, ROOM + Math.min(room.words[sizeAt >> 2] ?? 0, 32))),
    };
  }
}

/** sockaddr_in or sockaddr_in6. */
export function internetAddress(endpoint: Endpoint): Uint8Array {
  return encodeSocketAddress(endpoint);
}

/** sockaddr_ll: family:2 protocol:2 (network order) ifindex:4 hatype:2 pkttype:1 halen:1 address:8. */
export function linkAddress(
  index: number,
  protocol: number,
  hardware: Uint8Array = new Uint8Array(),
): Uint8Array {
  const octets = new Uint8Array(20);
  const view = new DataView(octets.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  octets[11] = hardware.length;
  octets.set(hardware, 12);
  return octets;
}

function int32(value: number): readonly number[] {
  return [value, value >>> 8, value >>> 16, value >>> 24].map((octet) => octet & 0xff);
}
