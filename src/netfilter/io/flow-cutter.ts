/**
 * Ends the TCP socket of a flow, whatever process it belongs to: the process gets ECONNABORTED, and the far
 * end a reset.
 */
import { NETLINK_SOCK_DIAG } from "../../netlink/constants.ts";
import { readReplies } from "../../netlink/reader.ts";
import { encodeFlowDestroy } from "../../netlink/socket-diag.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import type { FlowTuple } from "../wire/conntrack.ts";

export interface FlowCutter {
  /**
   * Whether there was a socket, and the kernel can end sockets for us. About ten microseconds. Throws
   * SystemCallError.
   */
  cut(flow: FlowTuple): boolean;
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openFlowCutter(): FlowCutter {
  const socket = openRequestSocket(NETLINK_SOCK_DIAG, { bufferOctets: 1 << 16 });
  return {
    cut(flow) {
      socket.send(encodeFlowDestroy(1, flow));
      for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
        for (const reply of readReplies(datagram)) if (reply.kind === "error") return reply.errno === 0;
      }
      return false;
    },
    close: socket.close,
  };
}
