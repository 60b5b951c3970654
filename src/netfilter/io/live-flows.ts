import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { setImmediate as nextTurn } from "node:timers/promises";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { openRequestSocket } from "../../sys/netlink-socket.ts";
import { VERIFIED_MARKS } from "../flow-marks.ts";
import {
  askEntryCount,
  CT_GET_STATS,
  CT_NEW,
  dumpConntrack,
  type FlowFate,
  type LabelledFlow,
  type MarkMatch,
  readDestination,
  readEntryCount,
  readFate,
  readLabelledFlow,
} from "../wire/conntrack.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";

/** Datagrams of about a hundred entries each that are read before lookups get their turn. */
const DATAGRAMS_PER_TURN = 8;

/**
 * Keep it open: the kernel closes a netfilter socket only once it has freed all that past transactions took
 * out, after up to 30 ms.
 */
export interface LiveFlows {
  /**
   * Calls `onDestination` with the destination of each flow of this network namespace: 4 or 16 octets, valid
   * during the call. It costs about a microsecond a flow, in slices of a millisecond at most; and if there is
   * any, up to ten milliseconds more, as the kernel walks the table of the whole machine. Throws
   * SystemCallError; then close it.
   */
  read(onDestination: (octets: Buffer) => void): Promise<void>;
  /** The same with what became of each flow. */
  readFates(onFlow: (flow: FlowFate) => void): Promise<void>;
  /** The same for TCP flows that have shown an allowed name. */
  readVerified(onFlow: (flow: LabelledFlow) => void): Promise<void>;
  close(): void;
}

const NO_ANSWER = Buffer.alloc(0);

/** Opened in the current network namespace. Throws SystemCallError. */
export function openLiveFlows(): LiveFlows {
  const socket = openRequestSocket(NETLINK_NETFILTER, { bufferOctets: 1 << 20 });
  const writer = createNetlinkWriter(64);
  /** The kernel has the number at hand. */
  function hasNone(): boolean {
    writer.reset();
    askEntryCount(writer, 1);
    socket.send(writer.written());
    for (const reply of readReplies(socket.receive() ?? NO_ANSWER))
      if (reply.kind === "message" && reply.type === CT_GET_STATS) return readEntryCount(reply.payload) === 0;
    // It does not say: its entries do.
    return false;
  }
  async function dump(onEntry: (payload: Buffer) => void, marked?: MarkMatch): Promise<void> {
    if (hasNone()) return;
    writer.reset();
    dumpConntrack(writer, 1, marked);
    socket.send(writer.written());
    for (let datagrams = 1; ; datagrams++) {
      const datagram = socket.receive();
      if (datagram === undefined || readDatagram(datagram, onEntry)) return;
      if (datagrams % DATAGRAMS_PER_TURN === 0) await nextTurn();
    }
  }
  return {
    read: (onDestination) =>
      dump((payload) => {
        const destination = readDestination(payload);
        if (destination) onDestination(destination);
      }),
    readFates: (onFlow) =>
      dump((payload) => {
        const flow = readFate(payload);
        if (flow) onFlow(flow);
      }),
    readVerified: (onFlow) =>
      dump((payload) => {
        const flow = readLabelledFlow(payload);
        if (flow) onFlow(flow);
      }, VERIFIED_MARKS),
    close: socket.close,
  };
}

/** Whether the dump ends here. */
function readDatagram(datagram: Buffer, onEntry: (payload: Buffer) => void): boolean {
  for (const reply of readReplies(datagram)) {
    if (reply.kind === "done") return true;
    if (reply.kind === "error")
      throw new SystemCallError("conntrack dump", reply.errno, errnoName(reply.errno));
    if (reply.type === CT_NEW) onEntry(reply.payload);
  }
  return false;
}
