import type { Socket } from "node:net";

/** Each stands once in a request line that Node's parser takes, and never in the body of a change. */
const PROTOCOLS = ["HTTP/", "RTSP/", "ICE/"];

/**
 * Keeps Node's parser from more than `most` requests at once, by making what has more unreadable to it: it goes through all that has arrived
 * before anything else is done, and thousands fit into one read.
 */
export function boundRequestsAtOnce(socket: Socket, most: number): void {
  socket.prependListener("data", (chunk: Buffer) => {
    if (holdsMore(chunk, most)) chunk.fill(0);
  });
}

function holdsMore(chunk: Buffer, most: number): boolean {
  let left = most;
  for (const protocol of PROTOCOLS) {
    for (let at = chunk.indexOf(protocol); at >= 0; at = chunk.indexOf(protocol, at + protocol.length)) {
      if (left-- === 0) return true;
    }
  }
  return false;
}
