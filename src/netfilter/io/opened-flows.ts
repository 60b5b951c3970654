import { setImmediate as nextTurn } from "node:timers/promises";
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { CT_NEW, dumpConntrack, type OpenedFlow, readOpenedFlow } from "../wire/conntrack.ts";

/**
 * Every flow of the current network namespace, in slices; `visit` gets views that are valid during the call.
 * Throws SystemCallError.
 */
export async function forEachOpenedFlow(visit: (flow: OpenedFlow) => void): Promise<void> {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 20 });
  try {
    const writer = createNetlinkWriter(64);
    dumpConntrack(writer, 1);
    socket.send(writer.written());
    for (let datagram = socket.receive(); datagram; datagram = socket.receive()) {
      for (const reply of readReplies(datagram)) {
        if (reply.kind === "done") return;
        if (reply.kind === "error")
          throw new SystemCallError("conntrack dump", reply.errno, errnoName(reply.errno));
        const flow = reply.type === CT_NEW ? readOpenedFlow(reply.payload) : undefined;
        if (flow) visit(flow);
      }
      await nextTurn();
    }
  } finally {
    socket.close();
  }
}
