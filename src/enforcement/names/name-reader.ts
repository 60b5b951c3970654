/**
 * Reads the packets that the kernel holds of flows to addresses of names, and lets those flows pass that show a name which is allowed.
 *
 * Fail closed: nothing of a pending flow passes while nobody reads, and a flow that is verified needs nobody any more.
 */
import { openPacketQueues, type QueueFigures } from "../../netfilter/io/packet-queue.ts";
import { begunMark, pendingMark, verifiedMark } from "../../netfilter/flow-marks.ts";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE } from "../../netfilter/kernel-names.ts";
import type { FlowTuple } from "../../netfilter/wire/conntrack.ts";
import { TCP } from "../../netfilter/wire/constants.ts";
import { QUEUE_HOOK, type QueuedPacket } from "../../netfilter/wire/packet-queue.ts";
import { readTcpSegment, TCP_FLAG, type TcpSegment, withoutData } from "../../netfilter/wire/tcp-segment.ts";
import type { NameRefused } from "../events.ts";
import type { PacketVerdict, ShownName } from "../../wire-names/flow.ts";
import { createFlowJudge, type FlowJudge } from "../../wire-names/flow-judge.ts";

export interface NameReaderOptions {
  /** Why a flow that shows this is refused; undefined: it is not. */
  readonly findFault: (shown: ShownName) => string | undefined;
  readonly generation: () => number;
  /** Random, and known to the ruleset and to this. */
  readonly refusedMark: number;
  /** Random: a packet that goes through the rules once more carries it. */
  readonly repeatedMark: number;
  readonly nowMs: () => number;
  readonly onRefused: (refused: NameRefused) => void;
}

export interface NameReader {
  figures(): QueueFigures & ReturnType<FlowJudge["figures"]>;
  /** Forgets flows that say nothing; and why packets were not told since the last look. To be called about once a second. Throws KernelError, SystemCallError. */
  look(): string | undefined;
  close(): void;
}

/** Takes the queues in the current network namespace. Throws KernelError, SystemCallError. */
export function openNameReader(options: NameReaderOptions): NameReader {
  const { generation, refusedMark, repeatedMark, onRefused } = options;
  const judge = createFlowJudge(options);
  const queues = openPacketQueues({ queues: [NAMES_QUEUE, NAMES_BEGUN_QUEUE], onPacket });

  function onPacket(packet: QueuedPacket): void {
    const segment = readTcpSegment(packet.octets);
    const isAnswer = packet.hook === QUEUE_HOOK.input;
    if (segment === undefined) return refuse(packet, undefined, UNREADABLE);
    const verdict = isAnswer
      ? judgeAnswer(judge, segment)
      : judgePacket(judge, packet, segment, repeatedMark);
    if (verdict.kind === "refused") return refuse(packet, segment, verdict);
    const reply = isAnswer ? toTuple(segment) : toReplyTuple(segment);
    if (verdict.kind === "verified") queues.setMark(reply, verifiedMark(generation()));
    if (verdict.kind === "pass" && verdict.begins) queues.setMark(reply, begunMark(generation()));
    if (verdict.kind === "reopened") queues.setMark(reply, pendingMark(generation()));
    if (verdict.kind === "drop") return queues.answer(packet, "drop");
    if (verdict.kind === "repeat") return queues.answer(packet, "repeat", { mark: repeatedMark });
    const isStripped = verdict.kind === "reopened" && segment.data.length > 0;
    const octets = isStripped ? withoutData(packet.octets, segment) : undefined;
    queues.answer(packet, "accept", { octets, mark: packet.mark === repeatedMark ? 0 : undefined });
  }
  /** A client's packet meets the rules again, which send a reset. An answer is dropped: its flow is refused with its next packet. */
  function refuse(
    packet: QueuedPacket,
    segment: TcpSegment | undefined,
    { name, reason }: Pick<NameRefused, "name" | "reason">,
  ): void {
    const isAnswer = packet.hook === QUEUE_HOOK.input;
    queues.answer(packet, isAnswer ? "drop" : "repeat", isAnswer ? {} : { mark: refusedMark });
    if (segment === undefined) return;
    const { source, sourcePort, destination, destinationPort } = segment;
    const [address, port] = isAnswer ? [source, sourcePort] : [destination, destinationPort];
    onRefused({ name, reason, address, port });
  }

  return {
    figures: () => ({ ...queues.figures(), ...judge.figures() }),
    look() {
      judge.sweep();
      return queues.fault();
    },
    close: queues.close,
  };
}

function judgeAnswer(judge: FlowJudge, segment: TcpSegment): PacketVerdict {
  const { acknowledged, data } = segment;
  return judge.fromServer({ flow: keyOf(toReplyTuple(segment)), acknowledged, data });
}

function judgePacket(
  judge: FlowJudge,
  packet: QueuedPacket,
  segment: TcpSegment,
  repeatedMark: number,
): PacketVerdict {
  const { sequence, data, flags, hops, headerOctets } = segment;
  return judge.fromClient({
    flow: keyOf(toTuple(segment)),
    sequence,
    data,
    octets: Math.max(data.length, packet.length - headerOctets),
    isSyn: (flags & TCP_FLAG.syn) !== 0,
    isUrgent: (flags & TCP_FLAG.urg) !== 0,
    hops,
    isOfSocket: packet.isChecksumNotReady,
    isBegun: packet.queue === NAMES_BEGUN_QUEUE,
    isRepeated: packet.mark === repeatedMark,
  });
}

const UNREADABLE = { name: undefined, reason: "a packet of an odd form" };

/** As the packet itself goes. */
function toTuple({ source, destination, sourcePort, destinationPort }: TcpSegment): FlowTuple {
  return { source, destination, sourcePort, destinationPort, protocol: TCP };
}

function toReplyTuple({ source, destination, sourcePort, destinationPort }: TcpSegment): FlowTuple {
  return {
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    protocol: TCP,
  };
}

/** From the client's side. */
function keyOf({ source, destination, sourcePort, destinationPort }: FlowTuple): string {
  return `${source.toString("latin1")}${destination.toString("latin1")}${sourcePort}:${destinationPort}`;
}
