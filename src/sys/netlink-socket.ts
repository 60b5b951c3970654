import { createArena } from "./arena.ts";
import { SystemCallError } from "./errors.ts";
import { EAGAIN, EINTR, mustCall, tryCall } from "./libc.ts";
import { closeSocket, setReceiveBuffer } from "./socket.ts";

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const MSG_DONTWAIT = 0x40;
const RECEIVE_SIZE = 65_536;

/** A netlink socket of the namespace that it was opened in. Synchronous: the kernel answers before `send` returns. */
export interface NetlinkSocket {
  /** Sends one message or batch. Throws SystemCallError. */
  send(octets: Uint8Array): void;
  /** What the kernel has answered so far, one datagram; `undefined` when there is nothing. Valid until the next call. */
  receive(): Buffer | undefined;
  close(): void;
}

/** Opens one; `protocol` as in `linux/netlink.h` (NETLINK_NETFILTER is 12). Throws SystemCallError. */
export function openNetlinkSocket(protocol: number, bufferOctets = 4 << 20): NetlinkSocket {
  const fd = mustCall("AF_NETLINK", "socket", AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const receiving = createArena(RECEIVE_SIZE);
  let sending = createArena(RECEIVE_SIZE);
  sending.words[0] = 1;
  mustCall("NETLINK_CAP_ACK", "setsockopt", fd, SOL_NETLINK, NETLINK_CAP_ACK, sending.address(0), 4);
  setReceiveBuffer(fd, bufferOctets);
  return {
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
