/** Reads what a client sends of one flow, and keeps what is needed of it. */
import { createAnswerText } from "./answer-text.ts";
import { behindPostgres, POSTGRES_REQUEST, readFirstOctets } from "./first-octets.ts";
import type { Demand, Flow, Handshake, ShownName } from "./flow-state.ts";
import { readApp } from "./opening.ts";
import { createRequestStream, type RequestStream } from "./request-stream.ts";
import { createSecondHello } from "./second-hello.ts";
import { MAX_ANSWER } from "./server-answer.ts";
import type { Refused } from "./shown.ts";

export interface Outcome {
  readonly kind: "read";
  /** What was shown now. */
  readonly shown: readonly ShownName[];
}

/**
 * Octets that follow the ones before. Behind what a hello or another protocol has shown all is the far end's.
 */
export function readNew(flow: Flow, data: Buffer, acknowledged: number, demand: Demand): Outcome | Refused {
  if (data.length === 0) return NOTHING;
  if (flow.handshake !== undefined) return readRecords(flow, flow.handshake, data);
  if (flow.requests !== undefined) return readRequests(flow, flow.requests, data);
  return flow.shown === undefined ? readBeginning(flow, data, acknowledged, demand === "app") : NOTHING;
}

const NOTHING: Outcome = { kind: "read", shown: [] };

function readBeginning(
  flow: Flow,
  data: Buffer,
  acknowledged: number,
  asksForApp: boolean,
): Outcome | Refused {
  const beginning = flow.beginning.length === 0 ? Buffer.from(data) : Buffer.concat([flow.beginning, data]);
  const found = readFirstOctets(beginning);
  if (found.kind === "refused") return found;
  flow.judged.keep(flow.passed, data);
  flow.beginning = beginning;
  const app = asksForApp ? readApp(found.kind, beginning) : undefined;
  if (found.kind === "incomplete")
    return found.name === undefined
      ? NOTHING
      : { kind: "read", shown: [{ kind: "tls", name: found.name, app }] };
  if (asksForApp && app === undefined) return NOTHING;
  flow.beginning = Buffer.alloc(0);
  flow.shown = { kind: found.kind, name: found.kind === "other" ? undefined : found.name, app };
  if (found.kind === "tls") {
    const second = createSecondHello(found.name);
    const answer = createAnswerText(acknowledged, MAX_ANSWER);
    flow.handshake = { second, answer, skipped: countUnanswered(flow, beginning, acknowledged) };
    const behind = second.read(beginning.subarray(found.end));
    if ("kind" in behind) return behind;
  }
  if (found.kind !== "http") return { kind: "read", shown: [flow.shown] };
  flow.requests = createRequestStream();
  return toOutcome(flow.requests.read(beginning));
}

/** PostgreSQL's requests for TLS to which the server's answers, of one octet each, had not come. */
function countUnanswered({ answerStart }: Flow, beginning: Buffer, acknowledged: number): number {
  const requests = behindPostgres(beginning) / POSTGRES_REQUEST;
  return Math.max(0, requests - ((acknowledged - answerStart) >>> 0));
}

/** What a hello is followed by before the server has accepted it. */
function readRecords(flow: Flow, { second }: Handshake, data: Buffer): Outcome | Refused {
  const read = second.read(data);
  if ("kind" in read) return read;
  flow.judged.keep(flow.passed, data.subarray(0, read.readOctets));
  return NOTHING;
}

function readRequests(flow: Flow, requests: RequestStream, data: Buffer): Outcome | Refused {
  const read = requests.read(data);
  if (!("kind" in read)) flow.judged.keep(flow.passed, data.subarray(0, read.readOctets));
  return toOutcome(read);
}

function toOutcome(read: ReturnType<RequestStream["read"]>): Outcome | Refused {
  if ("kind" in read) return read;
  return { kind: "read", shown: read.heads.map(({ name }) => ({ kind: "http", name })) };
}
