/**
 * Reads the packets that the kernel holds of flows to addresses of names, and lets those flows pass that show
 * a name which is allowed.
 *
 * Fail closed: nothing of a pending flow passes while nobody reads, and a flow that is verified needs nobody
 * any more.
 */
import { openFlowCutter } from "../../netfilter/io/flow-cutter.ts";
import { openPacketQueues, type QueueFigures } from "../../netfilter/io/packet-queue.ts";
import { MAX_AWAITED } from "../../netfilter/chains/awaited-answer.ts";
import { begunMark, pendingMark, shownMark, verifiedMark } from "../../netfilter/flow-marks.ts";
import { NAMES_BEGUN_QUEUE, NAMES_QUEUE } from "../../netfilter/kernel-names.ts";
import { type FlowNote, LABEL_OCTETS } from "../../netfilter/wire/conntrack.ts";
import { QUEUE_HOOK, type QueuedPacket, type VerdictChanges } from "../../netfilter/wire/packet-queue.ts";
import { readFarEnd } from "../../netfilter/wire/far-end.ts";
import { readTcpSegment, TCP_FLAG, type TcpSegment, withoutData } from "../../netfilter/wire/tcp-segment.ts";
import type { DeniedFlowsPorts } from "./denied-flows.ts";
import { keyOf, reversed, toTuple, tupleOf } from "./flow-keys.ts";
import type { NameLabels } from "./name-labels.ts";
import type { NameRefused } from "../events.ts";
import type { FlowRules, PacketVerdict } from "../../wire-names/flow.ts";
import { createFlowJudge, type FlowJudge } from "../../wire-names/flow-judge.ts";

export interface NameReaderOptions {
  /** Its keys are those of `flow-keys.ts`. */
  readonly findFault: FlowRules["findFault"];
  readonly findDemand: FlowRules["findDemand"];
  readonly passesOddForm: FlowRules["passesOddForm"];
  readonly generation: () => number;
  /** Random, and known to the ruleset and to this. */
  readonly refusedMark: number;
  /** Random: a packet that goes through the rules once more carries it. */
  readonly repeatedMark: number;
  /** As in the ruleset. */
  readonly judgesAnswers: boolean;
  /** Of names that flows have shown. */
  readonly labels: Pick<NameLabels, "take">;
  readonly nowMs: () => number;
  /** Called ahead of the verdict, with octets that are valid during the call; must settle no promise. */
  readonly onRefused: (refused: NameRefused) => void;
}

export interface NameReader {
  figures(): QueueFigures & ReturnType<FlowJudge["figures"]> & { readonly refusals: number };
  /** Flows that are not verified and have shown a name that this denies. They are forgotten. */
  readonly takeShowing: DeniedFlowsPorts["takeShowing"];
  /** Ends a flow: it has the mark, and its socket is gone. Throws SystemCallError. */
  readonly end: DeniedFlowsPorts["end"];
  /**
   * Forgets flows that say nothing; and why packets were not told since the last look. To be called about
   * once a second. Throws KernelError, SystemCallError.
   */
  look(): string | undefined;
  close(): void;
}

/** Takes the queues in the current network namespace. Throws KernelError, SystemCallError. */
export function openNameReader(options: NameReaderOptions): NameReader {
  const { generation, refusedMark, repeatedMark, onRefused, labels } = options;
  const judge = createFlowJudge({ ...options, maxHanded: options.judgesAnswers ? MAX_AWAITED : 0 });
  let refused = 0;
  const cutter = openFlowCutter();
  const queues = openPacketQueues({ queues: [NAMES_QUEUE, NAMES_BEGUN_QUEUE], onPacket });

  function onPacket(packet: QueuedPacket): void {
    const segment = readTcpSegment(packet.octets);
    if (segment === undefined) return refuse(packet, undefined, UNREADABLE);
    const isAnswer = packet.hook === QUEUE_HOOK.input;
    const verdict = isAnswer
      ? judgeAnswer(judge, segment)
      : judgeClient(judge, packet, segment, repeatedMark);
    if (verdict.kind === "refused") return refuse(packet, segment, verdict);
    const note = noteOf(verdict, generation(), labels);
    if (note !== undefined) queues.setMark(isAnswer ? toTuple(segment) : reversed(toTuple(segment)), note);
    if (verdict.kind === "drop") return queues.answer(packet, "drop");
    if (verdict.kind === "repeat") return queues.answer(packet, "repeat", { mark: repeatedMark });
    const mark = packet.mark === repeatedMark ? 0 : undefined;
    const priority = priorityOf(packet, verdict, note);
    queues.answer(packet, "accept", changesOf(packet, segment, verdict, { mark, priority }));
  }
  /**
   * Its socket is ended, which resets the far end, too. If there is none, as behind a redirect, a client's
   * packet meets the rules again, which send a reset to this side; an answer is dropped, and the flow refused
   * with its next packet.
   */
  function refuse(
    packet: QueuedPacket,
    segment: TcpSegment | undefined,
    { name, app, reason }: Pick<NameRefused, "name" | "app" | "reason">,
  ): void {
    const isAnswer = packet.hook === QUEUE_HOOK.input;
    queues.answer(packet, isAnswer ? "drop" : "repeat", isAnswer ? {} : { mark: refusedMark });
    if (segment !== undefined) cutter.cut(isAnswer ? reversed(toTuple(segment)) : toTuple(segment));
    refused += 1;
    const farEnd = readFarEnd(packet.octets, isAnswer ? "source" : "destination");
    if (farEnd !== undefined) onRefused({ name, app, reason, ...farEnd, isAudited: false });
  }

  return {
    figures: () => ({ ...queues.figures(), ...judge.figures(), refusals: refused }),
    look() {
      judge.sweep();
      return queues.fault();
    },
    takeShowing: (isDenied) =>
      judge
        .takeShowing((shown, key) => isDenied(shown, tupleOf(key)) === true)
        .map((key) => {
          const flow = tupleOf(key);
          return { flow, reply: reversed(flow) };
        }),
    end({ flow, reply }, mark) {
      queues.setMark(reply, { mark });
      queues.flush();
      cutter.cut(flow);
    },
    close() {
      queues.close();
      cutter.close();
    },
  };
}

/** What is to be kept with the flow from now on. */
function noteOf(
  verdict: PacketVerdict,
  generation: number,
  labels: Pick<NameLabels, "take">,
): FlowNote | undefined {
  if (verdict.kind === "verified") return { mark: verifiedMark(generation), label: labels.take(verdict) };
  if (verdict.kind === "hello") return { mark: shownMark(generation), label: labels.take(verdict) };
  if (verdict.kind === "pass" && verdict.isBegun) return { mark: begunMark(generation) };
  return verdict.kind === "reopened" ? { mark: pendingMark(generation), label: NO_LABEL } : undefined;
}

/** What the packet loses, or has changed, as it passes. */
function changesOf(
  packet: QueuedPacket,
  segment: TcpSegment,
  { kind }: PacketVerdict,
  { mark, priority }: Pick<VerdictChanges, "mark" | "priority">,
): VerdictChanges {
  const isStripped = kind === "reopened" && segment.data.length > 0;
  return { octets: isStripped ? withoutData(packet.octets, segment) : undefined, mark, priority };
}

/**
 * What it awaits, for a hello whose flow the kernel may verify. All else loses what its sender may have put
 * there: nobody else's word is to be taken for ours.
 */
function priorityOf(
  packet: QueuedPacket,
  verdict: PacketVerdict,
  note: FlowNote | undefined,
): number | undefined {
  if (verdict.kind === "hello" && note?.label !== undefined && verdict.awaited !== undefined)
    return verdict.awaited;
  return packet.priority === 0 || packet.hook === QUEUE_HOOK.input ? undefined : 0;
}

function judgeAnswer(judge: FlowJudge, segment: TcpSegment): PacketVerdict {
  const { sequence, acknowledged, data, flags } = segment;
  return judge.fromServer({
    flow: keyOf(reversed(toTuple(segment))),
    sequence,
    acknowledged,
    data,
    isFin: (flags & TCP_FLAG.fin) !== 0,
    isReset: (flags & TCP_FLAG.rst) !== 0,
  });
}

function judgeClient(
  judge: FlowJudge,
  packet: QueuedPacket,
  segment: TcpSegment,
  repeatedMark: number,
): PacketVerdict {
  const { sequence, acknowledged, data, flags, hops, headerOctets } = segment;
  return judge.fromClient({
    flow: keyOf(toTuple(segment)),
    sequence,
    acknowledged,
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

const NO_LABEL = Buffer.alloc(LABEL_OCTETS);
const ODD_FORM = "a packet of an odd form: cut short, or with a header of IPv6 ahead of TCP's";
const UNREADABLE = { name: undefined, app: undefined, reason: ODD_FORM };
