/**
 * Node destroys a socket that its peer has reset, and what has come over it and is not read yet is lost: the
 * answer of an origin that has closed in the middle of an upload. Such a socket is read to its end first.
 */
import type { Socket } from "node:net";

/** What became of what was written. */
export interface Writes {
  /** The peer has reset the connection before a write: nothing more is taken. */
  areLost(): boolean;
  /** From here on {@link Writes.areUntaken} speaks of what is written. */
  mark(): void;
  /** They are lost, and of what was written since `mark` not even the first was taken whole. */
  areUntaken(): boolean;
}

/** Of a socket that is destroyed as Node does it. */
export const NEVER_LOST: Writes = {
  areLost: () => false,
  mark: () => undefined,
  areUntaken: () => false,
};

type Done = (error?: Error | null) => void;

export function readToEnd(socket: Socket): Writes {
  const destroy = socket.destroy.bind(socket);
  const [write, writev] = [socket._write.bind(socket), socket._writev?.bind(socket)];
  let reset: Error | undefined;
  let isLost = false;
  let isTaken = false;

  /** A stream that knows of the error gives out nothing more. */
  const hide =
    (done: Done): Done =>
    (error) => {
      const isHidden = isReset(error);
      if (isHidden) isLost = true;
      else if (error === null || error === undefined) isTaken = true;
      done(isHidden ? null : error);
    };
  socket._write = (chunk, encoding, done) => write(chunk, encoding, hide(done));
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, hide(done));

  socket.destroy = (error) => {
    if (socket.readableLength === 0 || !isReset(error)) return destroy(error);
    reset = error;
    return socket;
  };
  socket.on("data", () => {
    if (reset !== undefined && socket.readableLength === 0) destroy(reset);
  });
  return {
    areLost: () => isLost,
    mark: () => void (isTaken = false),
    areUntaken: () => isLost && !isTaken,
  };
}

function isReset(error: Error | null | undefined): error is Error {
  return (
    error !== null &&
    error !== undefined &&
    "code" in error &&
    (error.code === "EPIPE" || error.code === "ECONNRESET")
  );
}
