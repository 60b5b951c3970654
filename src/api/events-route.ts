/**
 * `GET /events`: decisions as they are made, as server-sent events, for those who may read the policy.
 * `Last-Event-ID` continues after the end of an earlier stream.
 *
 * A reader holds a connection for as long as it likes, so it counts as idle: if the door is full it gives way
 * to callers.
 */
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { parseId } from "../decisions/present-decision.ts";
import { createReaders, FLUSH_MS, type ReaderOutput, type Readers, renderGap } from "../decisions/readers.ts";
import type { Auth } from "./auth/auth.ts";
import type { ApiContext } from "./context.ts";
import { readQueries } from "./queries.ts";
import { readEventsQuery } from "./decisions-query.ts";
import type { DecisionSources } from "./decisions-route.ts";
import { cutOff } from "./http/cut-off.ts";
import { refuseWrite } from "./read-only.ts";
import { type Refusal, renderRefusal } from "./refusal.ts";

/** How long a reader waits before it comes again. */
const RETRY_MS = 1000;

export function createEventsRoute(auth: Auth, sources: DecisionSources): (c: ApiContext) => Response {
  const readers = createReaders(sources.ring, sources);
  const keepFlushing = createFlushing(readers);
  return (c) => {
    const refusal = auth.refuseCaller(c) ?? refuseWrite(c);
    if (refusal !== undefined) return renderRefusal(c, refusal);
    const filter = readEventsQuery(readQueries(c));
    if (!filter.ok) return renderRefusal(c, filter.refusal);
    const place = findPlace(c.req.header("Last-Event-ID"), sources);
    if ("refusal" in place) return renderRefusal(c, place.refusal);
    const { outgoing, incoming, door } = c.env;
    outgoing.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    if (c.req.raw.method === "HEAD") {
      outgoing.end();
      return RESPONSE_ALREADY_SENT;
    }
    outgoing.write(`retry: ${RETRY_MS}\n\n${place.greeting}`);
    door.rest(incoming.socket);
    const output = outputTo(c.env);
    const reader = { filter: filter.value, door: door.kind, after: place.after, output };
    outgoing.once("close", readers.add(reader, performance.now()));
    keepFlushing();
    return RESPONSE_ALREADY_SENT;
  };
}

type Place = { readonly after: number; readonly greeting: string } | { readonly refusal: Refusal };

/** Without an id from now on; after a restart from the oldest that there is. */
function findPlace(lastEventId: string | undefined, { ring, run }: DecisionSources): Place {
  if (lastEventId === undefined) return { after: ring.newest(), greeting: "" };
  const after = parseId(run, lastEventId);
  if (after === undefined) {
    const message = "Last-Event-ID: must be the id of an event of this stream";
    return { refusal: { code: "bad-request", message } };
  }
  if (after === "another run") return { after: ring.oldest() - 1, greeting: renderGap({ restarted: true }) };
  return { after: Math.min(after, ring.newest()), greeting: "" };
}

function outputTo({ outgoing, incoming }: ApiContext["env"]): ReaderOutput {
  return {
    write: (chunk) => void outgoing.write(chunk),
    isFull: () => outgoing.writableNeedDrain,
    drop: () => cutOff(incoming.socket),
  };
}

/** Flushes as long as there are readers; costs nothing without. */
function createFlushing(readers: Readers): () => void {
  let timer: NodeJS.Timeout | undefined;
  return () => {
    timer ??= setInterval(() => {
      readers.flush(performance.now());
      if (readers.size() > 0) return;
      clearInterval(timer);
      timer = undefined;
    }, FLUSH_MS).unref();
  };
}
