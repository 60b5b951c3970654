/**
 * Decisions as they are made, as server-sent events (WHATWG HTML, section 9.2), over as many connections as
 * it takes.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Decision, FollowedEvent } from "./decision-types.ts";
import { ApiError, ConnectionError } from "./errors.ts";
import type { Stream } from "./exchange.ts";
import { toApiError } from "./read-answer.ts";
import { DECISION, hasShape } from "./shape.ts";

export interface FollowOptions {
  /** Opens the stream behind that id; from now on without one. */
  readonly open: (lastEventId: string | undefined) => Promise<Stream>;
  readonly after: string | undefined;
  readonly signal: AbortSignal | undefined;
}

const PAUSE_MS = 1000;
/** In a row: a sidecar that is started again is back by then. */
const MOST_FAILURES = 10;
/** Far more than any event. */
const MOST_CHARACTERS = 1 << 20;

/**
 * Without an end. Throws ApiError, ConnectionError if there is no sidecar for some ten seconds, and the
 * signal's reason.
 */
export async function* followDecisions({
  open,
  after,
  signal,
}: FollowOptions): AsyncGenerator<FollowedEvent> {
  let last = after;
  for (let failures = 0; ;) {
    try {
      for await (const event of readEvents(await open(last))) {
        failures = 0;
        if (event.id !== undefined) last = event.id;
        const followed = toFollowed(event);
        if (followed !== undefined) yield followed;
      }
      failures += 1;
    } catch (error) {
      signal?.throwIfAborted();
      failures += 1;
      if (!(error instanceof ConnectionError) || failures >= MOST_FAILURES) throw error;
    }
    await delay(PAUSE_MS, undefined, signal === undefined ? {} : { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
  }
}

interface ServerSentEvent {
  readonly id: string | undefined;
  readonly type: string;
  readonly data: string;
}

async function* readEvents(stream: Stream): AsyncGenerator<ServerSentEvent> {
  if (!stream.isOpen) {
    const text = await stream.response.text();
    throw toApiError(stream.response, parseJson(text) ?? text, false);
  }
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream.chunks) {
    if (!(chunk instanceof Uint8Array)) continue;
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MOST_CHARACTERS) throw notTheSidecar();
    const blocks = text.split("\n\n");
    text = blocks.pop() ?? "";
    yield* blocks.map(readBlock);
  }
}

/** The sidecar gives each field one line. */
function readBlock(block: string): ServerSentEvent {
  const fields = new Map(
    block.split("\n").map((line) => {
      const [name = "", ...value] = line.split(": ");
      return [name, value.join(": ")] as const;
    }),
  );
  return { id: fields.get("id"), type: fields.get("event") ?? "", data: fields.get("data") ?? "" };
}

/** Undefined for what is for the connection alone. */
function toFollowed({ type, data }: ServerSentEvent): FollowedEvent | undefined {
  const parsed = parseJson(data);
  if (type === "gap") {
    const isCounted = typeof parsed === "object" && parsed !== null && "missed" in parsed;
    return {
      kind: "gap",
      missed: isCounted && typeof parsed.missed === "number" ? parsed.missed : undefined,
    };
  }
  if (type !== "decision") return undefined;
  if (!isDecision(parsed)) throw notTheSidecar();
  return { kind: "decision", decision: parsed };
}

function isDecision(value: unknown): value is Decision {
  return hasShape(value, DECISION);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function notTheSidecar(): ApiError {
  const details = { status: 200, etag: undefined, mayBeOwnDoing: false, problems: [] };
  return new ApiError("what answers there is not the sidecar", { ...details, code: "not-the-sidecar" });
}
