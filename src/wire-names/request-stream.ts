/**
 * The requests of one HTTP/1 connection, one behind the other: it reads each head, and counts octets of
 * bodies (RFC 9112 sections 6 and 7). It refuses whatever could make us and the server differ about where the
 * next request begins: chunk extensions, trailers, sizes of an odd form. It also refuses an upgrade behind
 * other requests: the answer ahead of it could feign the upgrade's.
 */
import type { DomainName } from "../policy/domain-name.ts";
import { readRequestHead } from "./request-head.ts";
import { refused, type Refused, type RequestBody } from "./shown.ts";
import type { SwitchAnswer } from "./switch-answer.ts";

/**
 * What some more octets bring: heads that are complete now, by their Host, and how many of the octets had to
 * be read, not only counted.
 */
export interface RequestsRead {
  readonly heads: readonly { readonly name: DomainName | undefined }[];
  /**
   * From the first octet of the given ones to the last one that is part of a head or of a chunk's size; 0:
   * all is body.
   */
  readonly readOctets: number;
}

export interface RequestStream {
  /** Takes the next octets of the connection. After a refusal nobody may call it again. */
  read(octets: Buffer): RequestsRead | Refused;
  /** Whether the server has to agree to another protocol, and has not answered yet. */
  isAsking(): boolean;
  /** Takes how it answers that. */
  answered(answer: SwitchAnswer): void;
  /** Whether what follows is no longer HTTP. */
  isUpgraded(): boolean;
  /** Octets that it keeps. */
  size(): number;
}

/** A chunk's size in hexadecimal digits and CR LF. */
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})\r\n/;
const MAX_SIZE_LINE = 14;
const CRLF = "\r\n";

type State =
  | { readonly kind: "head" }
  /** This many octets are left, and this comes next. */
  | { readonly kind: "count"; readonly left: number; readonly next: "head" | "chunk-end" }
  | { readonly kind: "chunk-size" }
  | { readonly kind: "chunk-end" }
  | { readonly kind: "last-chunk" }
  /** The server has not agreed to another protocol yet. */
  | { readonly kind: "upgrading" }
  | { readonly kind: "upgraded" };

const HEAD: State = { kind: "head" };

/** One state's step: what it takes off the beginning, and the next state; undefined if octets are missing. */
type Step =
  | {
      readonly taken: number;
      readonly state: State;
      readonly head?: { readonly name: DomainName | undefined };
    }
  | Refused
  | undefined;

export function createRequestStream(): RequestStream {
  let state = HEAD;
  /** Octets that a state waits with. */
  let kept = Buffer.alloc(0);
  /** Heads that were read. */
  let total = 0;

  return {
    size: () => kept.length,
    isUpgraded: () => state.kind === "upgraded",
    isAsking: () => state.kind === "upgrading",
    answered(answer) {
      if (state.kind !== "upgrading" || answer === "incomplete") return;
      state = answer === "switches" ? { kind: "upgraded" } : HEAD;
    },
    read(octets) {
      const stream = kept.length === 0 ? octets : Buffer.concat([kept, octets]);
      const before = kept.length;
      const heads: { readonly name: DomainName | undefined }[] = [];
      let [at, readTo] = [0, 0];
      while (at < stream.length) {
        const isCounted = state.kind === "count" || state.kind === "upgraded";
        const step = takeStep(state, stream.subarray(at));
        if (step === undefined) {
          readTo = stream.length;
          break;
        }
        if ("kind" in step) return step;
        at += step.taken;
        if (!isCounted) readTo = at;
        if (step.head !== undefined) heads.push(step.head);
        state = step.state;
        if (state.kind === "upgrading" && total + heads.length > 1)
          return refused("an upgrade behind other requests");
      }
      kept = Buffer.from(stream.subarray(at));
      total += heads.length;
      return { heads, readOctets: Math.max(0, readTo - before) };
    },
  };
}

function takeStep(state: State, rest: Buffer): Step {
  if (state.kind === "head") return takeHead(rest);
  if (state.kind === "count") return takeCounted(state, rest.length);
  if (state.kind === "chunk-size") return takeChunkSize(rest);
  if (state.kind === "chunk-end") return takeLineEnd(rest, { kind: "chunk-size" });
  if (state.kind === "last-chunk") return takeLineEnd(rest, HEAD);
  if (state.kind === "upgraded") return { taken: rest.length, state };
  return refused("octets behind an upgrade that the server has not agreed to");
}

function takeHead(rest: Buffer): Step {
  const shown = readRequestHead(rest, 0);
  if (shown.kind === "refused") return shown;
  if (shown.kind !== "http") return undefined;
  return { taken: shown.end, state: behindHead(shown.body), head: { name: shown.name } };
}

function behindHead(body: RequestBody): State {
  if (body.kind === "chunked") return { kind: "chunk-size" };
  if (body.kind === "websocket") return { kind: "upgrading" };
  return body.octets === 0 ? HEAD : { kind: "count", left: body.octets, next: "head" };
}

function takeCounted({ left, next }: Extract<State, { kind: "count" }>, length: number): Step {
  if (length < left) return { taken: length, state: { kind: "count", left: left - length, next } };
  return { taken: left, state: { kind: next } };
}

function takeChunkSize(rest: Buffer): Step {
  const line = rest.toString("latin1", 0, MAX_SIZE_LINE);
  const match = CHUNK_SIZE.exec(line);
  if (match === null) {
    const isBegun = /^[0-9A-Fa-f]{1,12}\r?$/.test(line) && rest.length < MAX_SIZE_LINE;
    return isBegun ? undefined : refused("a chunk's size of an odd form");
  }
  const [whole, digits = ""] = match;
  const octets = Number.parseInt(digits, 16);
  if (octets === 0) return { taken: whole.length, state: { kind: "last-chunk" } };
  return { taken: whole.length, state: { kind: "count", left: octets, next: "chunk-end" } };
}

function takeLineEnd(rest: Buffer, state: State): Step {
  const line = rest.toString("latin1", 0, CRLF.length);
  if (line === CRLF) return { taken: CRLF.length, state };
  return CRLF.startsWith(line) ? undefined : refused("a trailer, or a chunk longer than its size");
}
