/** What becomes of the packets of one flow that is not verified, by what it shows. See `flow-judge.ts`. */
import type { DomainName } from "../policy/domain-name.ts";
import type { Spoken } from "../policy/app.ts";
import { createAnswerText } from "./answer-text.ts";
import { type Demand, type Flow, type Handshake, placeOf, type ShownName } from "./flow-state.ts";
import { guessApp } from "./opening.ts";
import { type Outcome, readNew } from "./read-flow.ts";
import type { RequestStream } from "./request-stream.ts";
import { readServerAnswer } from "./server-answer.ts";
import type { Refused } from "./shown.ts";
import { MAX_SWITCH_ANSWER, readSwitchAnswer } from "./switch-answer.ts";

/** A client's packet with data, as far as it matters here. */
export interface ClientPacket {
  /** The same for all packets of a flow, in both directions. */
  readonly flow: string;
  readonly sequence: number;
  /** What it says to have received of the server's. */
  readonly acknowledged: number;
  /** What was copied of its data; a view that holds during the call. */
  readonly data: Buffer;
  /** Octets of its data, copied or not. */
  readonly octets: number;
  readonly isSyn: boolean;
  readonly isUrgent: boolean;
  readonly hops: number;
  /** Whether a TCP socket of this kernel has made it, not a raw one. */
  readonly isOfSocket: boolean;
  /** Whether the kernel says that something of the flow has passed. */
  readonly isBegun: boolean;
  /** Whether it went through the rules once more already. */
  readonly isRepeated: boolean;
}

/** A server's packet, of a flow that is not verified. */
export interface ServerPacket {
  readonly flow: string;
  readonly sequence: number;
  readonly acknowledged: number;
  readonly data: Buffer;
  /** Whether the server sends nothing behind it. */
  readonly isFin?: boolean;
  /** Whether it ends the connection. */
  readonly isReset?: boolean;
}

export type PacketVerdict =
  /** It passes; `isBegun`: the kernel is to remember that of the flow, and have its acknowledgements seen. */
  | { readonly kind: "pass"; readonly isBegun: boolean }
  /**
   * It passes, and with it a hello is whole that shows an allowed name: what the server says to it decides.
   * `awaited`: the number by which the far end acknowledges all that has passed, if the kernel may verify the
   * flow by it; undefined: the reader has to.
   */
  | {
      readonly kind: "hello";
      readonly name: DomainName | undefined;
      readonly app?: Spoken | undefined;
      readonly awaited: number | undefined;
    }
  | { readonly kind: "drop" }
  /**
   * It opens a connection. It passes without its data, which its sender sends again; the kernel is to know
   * nothing of what went before.
   */
  | { readonly kind: "reopened" }
  /** It goes through the rules once more: they know its flow by now. */
  | { readonly kind: "repeat" }
  /** It passes, and so does all else of its flow. */
  | { readonly kind: "verified"; readonly name: DomainName | undefined; readonly app?: Spoken | undefined }
  | {
      readonly kind: "refused";
      readonly name: DomainName | undefined;
      readonly app?: Spoken | undefined;
      readonly reason: string;
    };

/** Why a flow that shows this is refused; undefined: it is not. */
export type FindFault = (shown: ShownName, flow: string) => string | undefined;

/** What flows are judged by. All are asked for the same flow, and answer by the same policy. */
export interface FlowRules {
  readonly findFault: FindFault;
  readonly findDemand: (flow: string) => Demand;
  /** Whether a flow goes on unread though what it shows is of an odd form, for this reason. */
  readonly passesOddForm: (flow: string, reason: string) => boolean;
}

/** That one connection of HTTP may ask for. */
const MAX_NAMES = 16;
const MANY_NAMES = `more than ${MAX_NAMES} hosts in one connection`;
/** Below it a packet may be meant to die ahead of the far end. */
const LEAST_HOPS = 32;

export const PASS: PacketVerdict = { kind: "pass", isBegun: false };
const PASS_BEGUN: PacketVerdict = { kind: "pass", isBegun: true };

/** What the kernel's own TCP never sends. */
export function findOddity(packet: ClientPacket): string | undefined {
  if (!packet.isOfSocket) return "a packet of a raw socket";
  if (packet.isUrgent) return "urgent data";
  return packet.hops < LEAST_HOPS ? `a hop limit below ${LEAST_HOPS}` : undefined;
}

/** Judges a packet of the flow. Once refused the flow is to be forgotten. */
export function judgePacket(
  flow: Flow,
  packet: ClientPacket,
  { findFault, findDemand, passesOddForm }: FlowRules,
): PacketVerdict {
  const { data } = packet;
  const demand = flow.shown === undefined ? findDemand(packet.flow) : "name";
  if (demand === "nothing") return { kind: "verified", name: undefined };
  const at = placeOf(flow, packet.sequence);
  if (at < 0) return toRefusal("octets ahead of the first ones");
  if (!flow.judged.isSame(at, data)) return toRefusal("other octets under the same sequence numbers");
  // One ahead of it was lost, as where the queue was full; both come again.
  if (at > flow.passed) return { kind: "drop" };
  // Past 64 KiB (BIG TCP) the kernel copies no packet whole. What is lost comes again in smaller ones.
  if (data.length < packet.octets && !isJudged(flow)) return { kind: "drop" };
  const hadHello = flow.handshake !== undefined;
  const outcome = readNew(flow, data.subarray(flow.passed - at), packet.acknowledged, demand);
  const verdict = judgeOutcome(flow, packet, outcome, { findFault, passesOddForm });
  if (verdict !== undefined) return verdict;
  const isFirst = flow.passed === 0;
  flow.passed = Math.max(flow.passed, at + packet.octets);
  if (!hadHello && flow.handshake !== undefined) return toHello(flow);
  return isFirst ? PASS_BEGUN : PASS;
}

function toHello({ start, passed, shown }: Flow): PacketVerdict {
  return { kind: "hello", name: shown?.name, app: shown?.app, awaited: (start + passed) >>> 0 };
}

/** What comes of the flow by what it shows now; undefined: nothing yet. */
function judgeOutcome(
  flow: Flow,
  { flow: key, data }: ClientPacket,
  outcome: Outcome | Refused,
  { findFault, passesOddForm }: Pick<FlowRules, "findFault" | "passesOddForm">,
): PacketVerdict | undefined {
  if (outcome.kind === "refused") {
    const { reason } = outcome;
    return passesOddForm(key, reason) ? { kind: "verified", name: undefined } : toRefusal(reason);
  }
  for (const shown of outcome.shown) {
    const fault = findFault(shown, key);
    if (fault !== undefined) return toRefusal(fault, toTold(shown, data));
    noteName(flow, shown);
  }
  if (flow.names.length > MAX_NAMES) {
    if (!passesOddForm(key, MANY_NAMES)) return toRefusal(MANY_NAMES);
    flow.names = flow.names.slice(-MAX_NAMES);
  }
  return undefined;
}

function noteName(flow: Flow, { name }: ShownName): void {
  if (name !== undefined && !flow.names.includes(name)) flow.names = [...flow.names, name];
}

/** With what it seems to speak, if nobody has asked. */
function toTold(shown: ShownName, data: Buffer): ShownName {
  return { ...shown, app: shown.app ?? guessApp(shown.kind, data) };
}

/** Takes what a server sends. Once refused or verified the flow is to be forgotten. */
export function judgeAnswer(flow: Flow, answer: ServerPacket): PacketVerdict {
  const { acknowledged, sequence, data } = answer;
  const at = placeOf(flow, acknowledged);
  // The end of the stream counts as an octet.
  if (at > flow.passed + 1) return toRefusal("an acknowledgement of octets that were not judged");
  flow.judged.acknowledge(at);
  flow.isServerDone ||= answer.isFin === true;
  flow.isClosed ||= answer.isReset === true || (flow.isServerDone && at > flow.passed);
  if (flow.requests?.isAsking() === true) takeSwitchAnswer(flow, flow.requests, answer);
  flow.handshake?.answer.take(sequence, data);
  if (!isJudged(flow)) return PASS;
  if (flow.judged.size() === 0) return { kind: "verified", name: flow.shown?.name, app: flow.shown?.app };
  // Nothing need follow but acknowledgements.
  return flow.handshake === undefined ? PASS : PASS_BEGUN;
}

/** Where the answer begins is known from the flow's first packet: no server answers ahead of that. */
function takeSwitchAnswer(flow: Flow, requests: RequestStream, { sequence, data }: ServerPacket): void {
  flow.switchAnswer ??= createAnswerText(flow.answerStart, MAX_SWITCH_ANSWER);
  flow.switchAnswer.take(sequence, data);
  requests.answered(readSwitchAnswer(flow.switchAnswer.text()));
  if (!requests.isAsking()) flow.switchAnswer = undefined;
}

export function toRefusal(reason: string, shown?: ShownName): PacketVerdict {
  return { kind: "refused", name: shown?.name, app: shown?.app, reason };
}

/** Whether nothing that follows is to be read. */
function isJudged({ shown, requests, handshake }: Flow): boolean {
  if (handshake !== undefined) return isAccepted(handshake);
  return shown !== undefined && requests?.isUpgraded() !== false;
}

function isAccepted({ answer, skipped, second }: Handshake): boolean {
  const said = readServerAnswer(answer.text().subarray(skipped));
  return said === "accepts" || (said === "retry" && second.isThere());
}
