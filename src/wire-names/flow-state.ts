/** What is known of one flow that is not verified. */
import type { AnswerText } from "./answer-text.ts";
import type { DomainName } from "../policy/domain-name.ts";
import type { Spoken } from "../policy/app.ts";
import { isRecord } from "./first-octets.ts";
import { createJudgedText, type JudgedText } from "./judged-text.ts";
import type { RequestStream } from "./request-stream.ts";
import type { SecondHello } from "./second-hello.ts";

/** What a flow has shown when it is judged. */
export interface ShownName {
  readonly kind: "tls" | "http" | "other";
  readonly name: DomainName | undefined;
  /** What it speaks, if that was asked for; TLS may be PostgreSQL's. */
  readonly app?: Spoken | undefined;
}

/** What a flow has to show: nothing at all, a name as far as it has one, or also what it speaks. */
export type Demand = "nothing" | "name" | "app";

/** More than a sender has under way before the first acknowledgement. */
const NEAR_OCTETS = 4 << 20;

export interface Flow {
  /** Sequence number of its first octet. */
  readonly start: number;
  /** Sequence number of the server's first octet behind all that had come by then. */
  readonly answerStart: number;
  /** Octets that have passed. */
  passed: number;
  /** All of them, until they show what they are. */
  beginning: Buffer;
  readonly judged: JudgedText;
  shown: ShownName | undefined;
  /** Names that were shown, each once: a connection of HTTP may show several. */
  names: readonly DomainName[];
  requests: RequestStream | undefined;
  /** What the server has sent, as long as it has to agree to another protocol. */
  switchAnswer: AnswerText | undefined;
  /** Of TLS, from its hello on. */
  handshake: Handshake | undefined;
  /** The server has said that it sends no more. */
  isServerDone: boolean;
  /** Both sides have, and the far end has all: nothing follows but what comes again. */
  isClosed: boolean;
  /** Octets that are kept of it, as counted. */
  counted: number;
  lastMs: number;
  /** Since when the kernel may verify it without us. */
  handedMs: number | undefined;
}

/** Until the server has accepted a hello. */
export interface Handshake {
  readonly second: SecondHello;
  /** What the server has sent behind what had come when the hello was whole. */
  readonly answer: AnswerText;
  /** First octets of it that answer PostgreSQL's requests for TLS ahead of the hello. */
  readonly skipped: number;
}

export function beginFlow(start: number, answerStart: number): Flow {
  return {
    start,
    answerStart,
    passed: 0,
    beginning: Buffer.alloc(0),
    judged: createJudgedText(),
    shown: undefined,
    names: [],
    requests: undefined,
    switchAnswer: undefined,
    handshake: undefined,
    isServerDone: false,
    isClosed: false,
    counted: 0,
    lastMs: 0,
    handedMs: undefined,
  };
}

/** All that it has shown, once for each name. */
export function listShown({ shown, names }: Flow): readonly ShownName[] {
  if (names.length === 0) return shown === undefined ? [] : [shown];
  return names.map((name) => ({ kind: shown?.kind ?? "tls", name, app: shown?.app }));
}

/**
 * Whether its client may be silent for as long as it likes: not in a handshake of TLS. One of HTTP rests
 * between requests, and what has not shown what it is may be any protocol.
 */
export function mayRest({ beginning, handshake }: Flow): boolean {
  return handshake === undefined && !isRecord(beginning);
}

/** Of a sequence number: the place next to what has passed that has it. */
export function placeOf({ start, passed }: Flow, sequence: number): number {
  return passed + ((sequence - start - passed) | 0);
}

/**
 * Whether a packet with this number may be the flow's, if that is not closed. One that the kernel may have
 * verified may also have ended: what comes ahead of all that is known of it is another connection.
 */
export function isNear(flow: Flow, sequence: number): boolean {
  const at = placeOf(flow, sequence);
  return !flow.isClosed && at >= 0 && at <= flow.passed + (flow.handedMs === undefined ? NEAR_OCTETS : 0);
}

export function sizeOf({ beginning, judged, requests, switchAnswer, handshake }: Flow): number {
  const kept = handshake === undefined ? 0 : handshake.answer.size() + handshake.second.size();
  const asked = (requests?.size() ?? 0) + (switchAnswer?.size() ?? 0);
  return beginning.length + judged.size() + asked + kept;
}
