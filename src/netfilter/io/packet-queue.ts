/** Packets that the kernel holds for us, read in batches; the verdicts of a batch go out together. */
import { awaitAcknowledgement } from "../../netlink/acknowledgement.ts";
import { NETLINK_NETFILTER } from "../../netlink/constants.ts";
import { NetlinkError } from "../../netlink/errors.ts";
import { readReplies } from "../../netlink/reader.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import { createArena } from "../../sys/arena.ts";
import { errnoName } from "../../sys/errors.ts";
import { ENOBUFS } from "../../sys/libc.ts";
import { BATCH } from "../../sys/message-header.ts";
import { type NetlinkSocket, openNetlinkSocket } from "../../sys/netlink-socket.ts";
import { createReceiveBatch, receiveBatchSize } from "../../sys/receive-batch.ts";
import { createRegion } from "../../sys/region.ts";
import { KernelError } from "../errors.ts";
import { type FlowNote, type FlowTuple, setConntrackMark } from "../wire/conntrack.ts";
import {
  bindQueue,
  NFQNL_MSG_PACKET,
  type QueuedPacket,
  probePriority,
  type QueueVerdict,
  readQueuedPacket,
  type VerdictChanges,
  writeVerdict,
} from "../wire/packet-queue.ts";
import { openEventSocket } from "./event-socket.ts";

/**
 * The most that an attribute holds: a packet that the interface is to cut up has up to 65,535 octets with its
 * headers.
 */
const COPIED_OCTETS = 65_531;
/** With what the kernel tells besides. */
const SLOT_OCTETS = 66_560;
/** Room for some thousand hellos; in a user namespace the machine's limit applies. */
const BUFFER_OCTETS = 8 << 20;
const WAITING_PACKETS = 4096;

export interface PacketQueueOptions {
  /** All queues have one reader; a packet says in which one it waits. */
  readonly queues: readonly number[];
  /** Packets that wait in each at most. */
  readonly length?: number;
  /**
   * Called for each packet, whose octets are valid during the call; its verdict may come later. It must
   * settle no promise: a connection waits, and nobody looks at promises then.
   */
  readonly onPacket: (packet: QueuedPacket) => void;
}

export interface QueueFigures {
  readonly packets: number;
  /** How often packets were lost, and so dropped, because we did not read them fast enough. */
  readonly overruns: number;
  /** Verdicts and marks that the kernel refused, by errno's name: ENOENT if a packet or flow is gone. */
  readonly refused: Readonly<Record<string, number>>;
}

/**
 * The kernel drops packets for which a full queue has no room. Once the queue is closed it drops what waits
 * and what comes. Nothing ever passes unjudged.
 */
export interface PacketQueues {
  answer(packet: Pick<QueuedPacket, "queue" | "id">, verdict: QueueVerdict, changes?: VerdictChanges): void;
  /** Goes out ahead of the verdicts that are given after it; `reply` as in {@link setConntrackMark}. */
  setMark(reply: FlowTuple, note: FlowNote): void;
  /** Sends the verdicts that were given outside `onPacket`. Throws SystemCallError. */
  flush(): void;
  figures(): QueueFigures;
  /**
   * Why packets were missed since the last call; call it once a second. Throws KernelError, SystemCallError.
   */
  fault(): string | undefined;
  close(): void;
}

/**
 * Takes the queues in the current network namespace. Throws SystemCallError, and KernelError if another
 * program has one or the kernel has none.
 */
export function openPacketQueues(options: PacketQueueOptions): PacketQueues {
  const size = receiveBatchSize(SLOT_OCTETS);
  const arena = createArena(size);
  const batch = createReceiveBatch(arena, createRegion(0, size), SLOT_OCTETS);
  const writer = createNetlinkWriter(65_536);
  const refused: Record<string, number> = {};
  let [sequence, packets, overruns] = [0, 0, 0];
  const next = (): number => (sequence = (sequence + 1) >>> 0);

  function readDatagram(datagram: Buffer): void {
    for (const reply of readReplies(datagram)) {
      if (reply.kind === "error") countRefusal(reply.errno);
      if (reply.kind !== "message" || reply.type !== NFQNL_MSG_PACKET) continue;
      const packet = readQueuedPacket(reply.payload);
      if (packet === undefined) continue;
      packets += 1;
      options.onPacket(packet);
    }
  }
  function countRefusal(errno: number): void {
    if (errno === 0) return;
    const code = errnoName(errno);
    refused[code] = (refused[code] ?? 0) + 1;
  }
  function readAll(): void {
    for (;;) {
      const count = batch.receive(events.current().fd);
      if (count === -ENOBUFS) overruns += 1;
      else if (count <= 0) return;
      for (let index = 0; index < count; index++) {
        const start = batch.start(index);
        readDatagram(arena.octets.subarray(start, start + batch.length(index)));
      }
      flush();
      // What comes meanwhile wakes us again.
      if (count > 0 && count < BATCH) return;
    }
  }
  function flush(): void {
    if (writer.length() === 0) return;
    events.current().send(writer.buffer(), writer.length());
    writer.reset();
  }

  const events = openEventSocket(() => openBound(options), readAll, { isSynchronous: true });
  events.unref();
  return {
    answer: (packet, verdict, changes) => writeVerdict(writer, next(), packet, verdict, changes),
    setMark: (reply, note) => setConntrackMark(writer, next(), reply, note),
    flush,
    figures: () => ({ packets, overruns, refused }),
    fault: events.fault,
    close: events.close,
  };
}

/**
 * Whether a verdict may give a packet a priority; it takes the queues for a moment. Throws as
 * {@link openPacketQueues} does.
 */
export function takesPriorities(queues: readonly number[]): boolean {
  const socket = openBound({ queues });
  const writer = createNetlinkWriter(64);
  try {
    probePriority(writer, 1, queues[0] ?? 0);
    socket.send(writer.written());
    awaitAcknowledgement(socket.receive, 1);
    return false;
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    return error.code === "ERANGE" || error.code === "EINVAL";
  } finally {
    socket.close();
  }
}

function openBound({
  queues,
  length = WAITING_PACKETS,
}: Pick<PacketQueueOptions, "queues" | "length">): NetlinkSocket {
  const socket = openNetlinkSocket(NETLINK_NETFILTER, { bufferOctets: BUFFER_OCTETS });
  const writer = createNetlinkWriter(256);
  for (const [index, queue] of queues.entries()) {
    try {
      writer.reset();
      bindQueue(writer, index + 1, { queue, length, copiedOctets: COPIED_OCTETS });
      socket.send(writer.written());
      awaitAcknowledgement(socket.receive, index + 1);
    } catch (error) {
      socket.close();
      if (!(error instanceof NetlinkError)) throw error;
      throw toKernelError(queue, error);
    }
  }
  return socket;
}

function toKernelError(queue: number, error: NetlinkError): KernelError {
  const reason =
    error.code === "EPERM" ? "is held by another program, as by another sidecar" : "can't be taken";
  return new KernelError("refused", "nfnetlink_queue", `queue ${queue} ${reason}: ${error.code}`, error);
}
