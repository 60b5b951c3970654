/**
 * Fills placeholders in a request's body whose messages tell their lengths: gRPC, gRPC-Web and the streams
 * of Connect. Nothing of a message is held back behind its end, as the host may have to answer it before the
 * next one comes. A placeholder in two messages is not filled.
 *
 * Known limit: a value of another length than its placeholder cannot be filled, since the message and fields
 * within it have told their lengths before.
 */
import { createFrameReader } from "./message-frames.ts";
import type { SubstitutedStream, Substituter } from "./substituter.ts";

export function inEnvelopes({ substitute, openStream, keepsLength }: Substituter): Substituter {
  return { keepsLength: true, substitute, openStream: () => openFramed(openStream(), keepsLength) };
}

const COMPRESSED =
  "a message of the body is compressed, and a secret's placeholder may have to be filled in it";
const OTHER_LENGTH =
  "a message tells its length, and a secret to be filled in it is not as long as its placeholder";

function openFramed(stream: SubstitutedStream, keepsLength: boolean): SubstitutedStream {
  const reader = createFrameReader("envelope");
  let unfit: string | undefined;

  function finish(passed: readonly Buffer[]): Buffer {
    if (!keepsLength && stream.count() > 0) unfit ??= OTHER_LENGTH;
    return Buffer.concat(passed);
  }

  return {
    push(chunk) {
      const passed: Buffer[] = [];
      const failed = reader.read(chunk, {
        head: (octets) => passed.push(octets),
        text: (octets) => passed.push(stream.push(octets)),
        end: () => passed.push(stream.end()),
        control: () => undefined,
      });
      if (failed !== undefined) unfit ??= COMPRESSED;
      return finish(passed);
    },
    end: () => finish([reader.rest(), stream.end()]),
    count: stream.count,
    misplaced: stream.misplaced,
    unfit: () => unfit,
  };
}
