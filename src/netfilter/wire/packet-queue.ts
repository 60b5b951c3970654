/**
 * Packets that the kernel holds until they get a verdict (nfnetlink_queue): how a queue is taken, what is
 * told of a packet, and the verdict.
 *
 *     NFQNL_MSG_CONFIG   nfgenmsg (the queue in `resource`), command { bind:1 pad:1 family:2 }, parameters { copied octets:4 mode:1 }, length:4,
 *                        flags:4 under mask:4
 *     NFQNL_MSG_PACKET   nfgenmsg (the queue), header { id:4 protocol:2 hook:1 }, mark:4, payload, whole length:4, state of its checksum:4,
 *                        priority:4 ...
 *     NFQNL_MSG_VERDICT  nfgenmsg (the queue), header { verdict:4 id:4 }, mark:4, payload in place of the packet's, priority:4
 *
 * Numbers are in network order. Source: linux/netfilter/nfnetlink_queue.h.
 */
import { NLM_F_ACK, NLM_F_REQUEST } from "../../netlink/constants.ts";
import { attributeLength, attributeType, behindAttribute, valueAt } from "../../netlink/reader.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { BIND, COPY_PACKET, NF_ACCEPT, NF_DROP, NFGENMSG } from "./constants.ts";

const NFNL_SUBSYS_QUEUE = 3;
export const NFQNL_MSG_PACKET = NFNL_SUBSYS_QUEUE << 8;
const NFQNL_MSG_VERDICT = (NFNL_SUBSYS_QUEUE << 8) | 1;
const NFQNL_MSG_CONFIG = (NFNL_SUBSYS_QUEUE << 8) | 2;
const CONFIG = { command: 1, parameters: 2, length: 3, mask: 4, flags: 5 } as const;
/** Packets pass if the queue is full. Never set. */
const FAIL_OPEN = 1;
/** A packet that the interface is to cut up comes as a whole. */
const GSO = 4;
const ATTRIBUTE = {
  header: 1,
  verdict: 2,
  mark: 3,
  payload: 10,
  length: 13,
  checksum: 14,
  /** Linux 5.18. */
  priority: 21,
} as const;
/** Of a packet's header, and where the hook stands in it. */
const [HEADER_OCTETS, HOOK_AT] = [7, 6];
const CHECKSUM_NOT_READY = 1;
const NF_REPEAT = 4;

/** `repeat`: it passes the chains of its hook once more, with the mark that the verdict gives it. */
export const QUEUE_VERDICT = { drop: NF_DROP, accept: NF_ACCEPT, repeat: NF_REPEAT } as const;
export type QueueVerdict = keyof typeof QUEUE_VERDICT;

/** Numbers of the hooks that queue for us (linux/netfilter.h). */
export const QUEUE_HOOK = { input: 1, output: 3 } as const;

export interface PacketQueue {
  readonly queue: number;
  /** Packets that wait at most; others are dropped. */
  readonly length: number;
  /** Of each packet. */
  readonly copiedOctets: number;
}

/**
 * Takes a queue: from now on its packets come to this socket, and are dropped once it is closed. The kernel
 * refuses with EPERM if another socket has it.
 */
export function bindQueue(writer: NetlinkWriter, sequence: number, asked: PacketQueue): void {
  const message = writer.begin(NFQNL_MSG_CONFIG, NLM_F_REQUEST | NLM_F_ACK, sequence, 0, asked.queue);
  writer.octets(CONFIG.command, Buffer.of(BIND, 0, 0, 0));
  const parameters = Buffer.alloc(5);
  parameters.writeUInt32BE(asked.copiedOctets);
  parameters[4] = COPY_PACKET;
  writer.octets(CONFIG.parameters, parameters);
  writer.number32(CONFIG.length, asked.length);
  writer.number32(CONFIG.mask, FAIL_OPEN | GSO);
  writer.number32(CONFIG.flags, GSO);
  writer.end(message);
}

/** A packet that waits. Octets are a view into the message that brought it. */
export interface QueuedPacket {
  readonly queue: number;
  /** Its queue's own number for it. */
  readonly id: number;
  /** One of {@link QUEUE_HOOK}. */
  readonly hook: number;
  readonly mark: number;
  /** 0, too, where the kernel does not tell. */
  readonly priority: number;
  /** From its IP header on, as far as it was copied. */
  readonly octets: Buffer;
  /** Of the whole packet. */
  readonly length: number;
  /** The kernel's own TCP leaves the checksum to the interface; a packet of a raw socket has it already. */
  readonly isChecksumNotReady: boolean;
}

/**
 * The packet of one NFQNL_MSG_PACKET payload; undefined if it has no number to answer to. Read in place:
 * a connection waits for it.
 */
export function readQueuedPacket(payload: Buffer): QueuedPacket | undefined {
  const end = payload.length;
  if (end < NFGENMSG) return undefined;
  let [header, octetsAt, octetsEnd, mark, whole, checksum, priority] = [-1, 0, 0, 0, -1, 0, 0];
  for (let at = NFGENMSG, length = attributeLength(payload, at, end); length > 0;) {
    const type = attributeType(payload, at);
    const value = valueAt(at);
    const isNumber = at + length - value === 4;
    if (type === ATTRIBUTE.payload) [octetsAt, octetsEnd] = [value, at + length];
    else if (type === ATTRIBUTE.header && at + length - value >= HEADER_OCTETS) header = value;
    else if (isNumber) {
      const number = payload.readUInt32BE(value);
      if (type === ATTRIBUTE.mark) mark = number;
      else if (type === ATTRIBUTE.length) whole = number;
      else if (type === ATTRIBUTE.checksum) checksum = number;
      else if (type === ATTRIBUTE.priority) priority = number;
    }
    at = behindAttribute(at, length);
    length = attributeLength(payload, at, end);
  }
  if (header === -1) return undefined;
  return {
    queue: payload.readUInt16BE(2),
    id: payload.readUInt32BE(header),
    hook: payload.readUInt8(header + HOOK_AT),
    mark,
    priority,
    octets: payload.subarray(octetsAt, octetsEnd),
    length: whole === -1 ? octetsEnd - octetsAt : whole,
    isChecksumNotReady: (checksum & CHECKSUM_NOT_READY) !== 0,
  };
}

export interface VerdictChanges {
  /** Its mark from now on; without one it keeps its own. */
  readonly mark?: number | undefined;
  /** What goes out in its place, from the IP header on, with checksums. */
  readonly octets?: Uint8Array | undefined;
  /**
   * A number that rules find as its priority, with the octets that the number has in a packet. Without one it
   * keeps its own. Linux 5.18.
   */
  readonly priority?: number | undefined;
}

/** The kernel answers only if there is no such packet, with ENOENT. */
export function writeVerdict(
  writer: NetlinkWriter,
  sequence: number,
  { queue, id }: Pick<QueuedPacket, "queue" | "id">,
  verdict: QueueVerdict,
  { mark, octets, priority }: VerdictChanges = {},
): void {
  const message = writer.begin(NFQNL_MSG_VERDICT, NLM_F_REQUEST, sequence, 0, queue);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(QUEUE_VERDICT[verdict]);
  header.writeUInt32BE(id, 4);
  writer.octets(ATTRIBUTE.verdict, header);
  if (mark !== undefined) writer.number32(ATTRIBUTE.mark, mark);
  if (octets !== undefined) writer.octets(ATTRIBUTE.payload, octets);
  // The kernel turns the attribute into a number of its own order, and rules compare that number's octets.
  if (priority !== undefined) writer.host32(ATTRIBUTE.priority, priority);
  writer.end(message);
}

/**
 * A verdict on no packet, with a priority that is too short: a kernel that knows priorities refuses it for
 * that, and others since there is no such packet.
 */
export function probePriority(writer: NetlinkWriter, sequence: number, queue: number): void {
  const message = writer.begin(NFQNL_MSG_VERDICT, NLM_F_REQUEST | NLM_F_ACK, sequence, 0, queue);
  const header = Buffer.alloc(8);
  header.writeUInt32BE(NF_DROP);
  writer.octets(ATTRIBUTE.verdict, header);
  writer.octets(ATTRIBUTE.priority, Uint8Array.of(0, 0));
  writer.end(message);
}
