import { createArena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { EAGAIN, EINTR, mustCall, tryCall } from "./libc.ts";
import { closeSocket, setReceiveBuffer, setSendBuffer } from "./socket.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const MSG_DONTWAIT = 0x40;
const RECEIVE_SIZE = 65_536;

export interface NetlinkOptions {
  /** Room for what is sent at once and for what waits to be received, as far as the machine lets it be. */
  readonly bufferOctets: number;
  /** Groups whose events it receives, a bit each. */
  readonly groups?: number;
}

/** A netlink socket of the namespace that it was opened in. Synchronous: the kernel answers before `send` returns. */
export interface NetlinkSocket {
  readonly fd: number;
  /** Sends one message or batch. Throws SystemCallError. */
  send(octets: Uint8Array): void;
  /** What the kernel has answered so far, one datagram; `undefined` when there is nothing. Valid until the next call. */
  receive(): Buffer | undefined;
  close(): void;
}

/** Opens one; `protocol` as in `linux/netlink.h` (NETLINK_NETFILTER is 12). Throws SystemCallError. */
export function openNetlinkSocket(
  protocol: number,
  { bufferOctets, groups = 0 }: NetlinkOptions,
): NetlinkSocket {
  const fd = mustCall("AF_NETLINK", "socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const receiving = createArena(RECEIVE_SIZE);
  let sending = createArena(RECEIVE_SIZE);
  sending.words[0] = 1;
  mustCall("NETLINK_CAP_ACK", "setsockopt", fd, SOL_NETLINK, NETLINK_CAP_ACK, sending.address(0), 4);
  setReceiveBuffer(fd, bufferOctets);
  setSendBuffer(fd, bufferOctets);
  // sockaddr_nl: family:2 pad:2 port:4 groups:4. Port 0: the kernel picks one.
  sending.words.set([AF_NETLINK, 0, groups]);
  mustCall("AF_NETLINK", "bind", fd, sending.address(0), 12);
  return {
    fd,
    send(octets) {
      if (octets.length > sending.octets.length) sending = createArena(octets.length * 2);
      sending.octets.set(octets);
      for (;;) {
        const sent = tryCall("send", fd, sending.address(0), octets.length, 0);
        if (sent === octets.length) return;
        if (sent !== -EINTR) throw new SystemCallError("send", sent < 0 ? -sent : 90, "netlink");
      }
    },
    receive() {
      for (;;) {
        const length = tryCall("recv", fd, receiving.address(0), RECEIVE_SIZE, MSG_DONTWAIT);
        if (length >= 0) return receiving.octets.subarray(0, length);
        if (length === -EAGAIN) return undefined;
        if (length !== -EINTR) throw new SystemCallError("recv", -length, "netlink");
      }
    },
    close: () => closeSocket(fd),
  };
}
