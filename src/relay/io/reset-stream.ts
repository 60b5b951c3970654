import { type ClientHttp2Stream, constants, type Http2Stream, type ServerHttp2Stream } from "node:http2";
import { addAbortSignal } from "node:stream";

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR } = constants;

/**
 * Resets a stream, so that its peer does not take for whole what it has of a message. Node's `close` ends the
 * message before it resets the stream, and `destroy` does not: it knows two codes, that of an abort, CANCEL,
 * and INTERNAL_ERROR.
 */
export function resetStream(stream: ClientHttp2Stream | ServerHttp2Stream, code = NGHTTP2_CANCEL): void {
  if (stream.closed || stream.destroyed) return;
  const hasBegun = !("headersSent" in stream) || stream.headersSent;
  if (!hasBegun || stream.writableEnded) stream.close(code);
  else if (code === NGHTTP2_CANCEL) addAbortSignal(AbortSignal.abort(), stream);
  else stream.destroy(new Error(`reset with code ${code}`)); // heard by nobody
}

/** Whether the end of what can be read is no end of the message: the peer, or we, have reset the stream. */
export function wasCut({ closed, rstCode }: Http2Stream): boolean {
  return closed && rstCode !== NGHTTP2_NO_ERROR;
}
