/** Decisions, those that are kept and then those that are made, over as many connections as it takes. */
import { createEventReader, type StreamEvent } from "../model/event-stream.ts";
import type { Decision } from "../model/decision.ts";
import type { Api } from "./api.ts";

export interface FeedListener {
  /** The oldest first. */
  decisions(list: readonly Decision[]): void;
  /** Some were not told. */
  gap(words: string): void;
  state(state: "live" | "lost"): void;
}

const BACKLOG = 1000;
/** As the stream itself asks of its readers. */
const TRY_AGAIN_MS = 1000;

/** Without an end. */
export async function followDecisions(api: Api, listener: FeedListener): Promise<never> {
  let lastId: string | undefined;
  for (;;) {
    try {
      lastId ??= await readBacklog(api, listener);
      const stream = await api.events(lastId);
      listener.state("live");
      for await (const event of readEvents(stream)) {
        if (event.id !== "") lastId = event.id;
        tell(event, listener);
      }
    } catch {
      // Told below, whatever it was: the next try shows whether it lasts.
    }
    listener.state("lost");
    await new Promise((resolve) => setTimeout(resolve, TRY_AGAIN_MS));
  }
}

async function readBacklog(api: Api, listener: FeedListener): Promise<string> {
  const answer = await api.decisions(BACKLOG);
  if (!answer.ok) throw new TypeError(answer.message);
  listener.decisions(answer.value.decisions.toReversed());
  return answer.value.newest;
}

async function* readEvents(stream: ReadableStream<Uint8Array>): AsyncGenerator<StreamEvent> {
  const reader = stream.getReader();
  try {
    const decoder = new TextDecoder();
    const events = createEventReader();
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      yield* events.read(decoder.decode(read.value, { stream: true }));
    }
  } finally {
    await reader.cancel();
  }
}

function tell({ type, data }: StreamEvent, listener: FeedListener): void {
  const parsed: unknown = JSON.parse(data);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- as the API's document says
  if (type === "decision") listener.decisions([parsed as Decision]);
  if (type !== "gap" || typeof parsed !== "object" || parsed === null) return;
  const missed = "missed" in parsed ? Number(parsed.missed) : undefined;
  listener.gap(
    missed === undefined
      ? "The sidecar was started again: what it decided before is gone."
      : `${missed} decisions came faster than they could be told.`,
  );
}
