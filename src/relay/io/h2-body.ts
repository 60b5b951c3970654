import { constants, type Http2Stream, type ServerHttp2Stream } from "node:http2";
import type { Refusal } from "../gate/refusal.ts";
import type { BodyChange } from "../ports.ts";
import { wasCut } from "./reset-stream.ts";

export interface H2BodyWishes {
  readonly change: BodyChange | undefined;
  /** What was held back has gone on; the stream is to be ended. */
  ended(): void;
  refused(refusal: Refusal): void;
}

/**
 * Calls back once all of its body is read: Node tells no later listener that an empty one has ended. Does not
 * if the stream was reset before: its other side is reset as well.
 */
export function onBodyEnd(from: Http2Stream, ended: () => void): void {
  const onEnd = (): void => {
    if (!wasCut(from)) ended();
  };
  if (from.readableEnded) onEnd();
  else from.once("end", onEnd);
}

/**
 * The answer is given, and nobody takes more of the request: the client is told so behind the answer (RFC
 * 9113 section 8.1), and what it sends until then is dropped.
 */
export function stopUpload(client: ServerHttp2Stream): void {
  if (client.endAfterHeaders || client.readableEnded) return;
  const stopIfGiven = (): void => {
    if (client.writableFinished && client.listenerCount("wantTrailers") === 0)
      setImmediate(() => client.close(constants.NGHTTP2_NO_ERROR));
  };
  client.resume();
  client.once("finish", stopIfGiven);
  // Behind the one that sends them.
  if (client.listenerCount("wantTrailers") > 0) client.once("wantTrailers", stopIfGiven);
  stopIfGiven();
}

/** Passes a body on as it comes; its source waits while the other side is full. */
export function passBody(from: Http2Stream, to: Http2Stream, { change, ended, refused }: H2BodyWishes): void {
  const onDrain = (): void => void from.resume();
  from.on("data", (octets: Buffer) => {
    const changed = change === undefined ? octets : change.push(octets);
    if ("kind" in changed) refused(changed);
    else if (changed.length > 0 && !to.destroyed && !to.write(changed)) {
      from.pause();
      to.once("drain", onDrain);
    }
  });
  onBodyEnd(from, () => {
    const held = change?.end();
    if (held !== undefined && "kind" in held) {
      refused(held);
      return;
    }
    if (to.destroyed) return;
    if (held !== undefined && held.length > 0) to.write(held);
    ended();
  });
}
