import type { Socket } from "node:net";

/** How long a client may take to read what was written last, and to end its side. */
const LINGER_MS = 10_000;

/**
 * Ends a connection so that the last answer arrives: what the client still sends is read and dropped, since a
 * connection that is closed with octets unread is reset, and takes the answer with it.
 */
export function endGently(socket: Socket): void {
  if (!socket.writableEnded) socket.end();
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
