/** Receives connections that the kernel refuses on their way out, as far as chain `refused` reports them. */
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { SystemCallError } from "../../sys/errors.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { KernelError } from "../errors.ts";
import { REFUSED_GROUP } from "../kernel-names.ts";
import {
  bindGroup,
  type LoggedPacket,
  type LogGroup,
  NFULNL_MSG_PACKET,
  readLoggedPacket,
  unbindGroup,
} from "../wire/nflog.ts";
import { openEventSocket } from "./event-socket.ts";

/** Room for some thousand packets: many times what the kernel reports in a second. */
const BUFFER_OCTETS = 1 << 20;
const ASKED: LogGroup = {
  group: REFUSED_GROUP,
  copiedOctets: 64,
  bufferOctets: 16_384,
  // Five wake-ups a second in a flood, which are half of what it costs us. Even a sandbox that ends right
  // after the attempt gets its report, see `close`.
  threshold: 64,
  timeoutMs: 200,
};

export interface Refusals {
  /**
   * Why refusals were missed since the last call; call it once a second. Throws KernelError, SystemCallError.
   */
  fault(): string | undefined;
  /** Before it returns, it reports what the kernel has gathered by now. */
  close(): void;
}

/**
 * Calls `onRefused` for each, whose octets are valid during the call. What finds no room is lost; the
 * kernel's counter has it. Opened in the current network namespace. Throws SystemCallError, and KernelError
 * if another program has the group or the kernel has no such log.
 */
export function openRefusals(onRefused: (packet: LoggedPacket) => void): Refusals {
  const events = openEventSocket(openBound, () => readAll(events.current(), onRefused));
  events.unref();
  return {
    fault: events.fault,
    close() {
      try {
        tellGathered(events.current, onRefused);
      } finally {
        events.close();
      }
    },
  };
}

function openBound(): NetlinkSocket {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  try {
    const writer = createNetlinkWriter(128);
    bindGroup(writer, 1, ASKED);
    socket.send(writer.written());
    awaitAcknowledgement(socket.receive, 1);
    return socket;
  } catch (error) {
    socket.close();
    if (!(error instanceof NetlinkError)) throw error;
    const reason = error.code === "EPERM" ? "is held by another program" : "can't be taken";
    throw new KernelError(
      "refused",
      "nfnetlink_log",
      `group ${REFUSED_GROUP} ${reason}: ${error.code}`,
      error,
    );
  }
}

/** If the socket is lost by now, nothing is left to report. */
function tellGathered(current: () => NetlinkSocket, onRefused: (packet: LoggedPacket) => void): void {
  const writer = createNetlinkWriter(64);
  unbindGroup(writer, 2, REFUSED_GROUP);
  try {
    const socket = current();
    socket.send(writer.written());
    readAll(socket, onRefused);
  } catch (error) {
    if (!(error instanceof SystemCallError)) throw error;
  }
}

function readAll(socket: NetlinkSocket, onRefused: (packet: LoggedPacket) => void): void {
  for (;;) {
    try {
      for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
        for (const reply of readReplies(datagram)) {
          if (reply.kind !== "message" || reply.type !== NFULNL_MSG_PACKET) continue;
          const packet = readLoggedPacket(reply.payload);
          if (packet !== undefined) onRefused(packet);
        }
      }
      return;
    } catch (error) {
      if (!(error instanceof SystemCallError) || error.code !== "ENOBUFS") throw error;
    }
  }
}
