import type { Socket } from "node:net";

/** How long a client may take to read the last answer, and to end its side. */
const LINGER_MS = 10_000;

/**
 * Ends a connection so that the last answer arrives. It reads and drops what the client still sends: closing
 * a connection with unread octets resets it, and the answer is lost.
 */
export function endGently(socket: Socket): void {
  if (!socket.writableEnded) socket.end();
  socket.resume();
  closeInTime(socket);
}

/** Closes it, if it is not by then: a client that reads nothing never sees the end. */
export function closeInTime(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS);
  socket.once("close", () => clearTimeout(timer));
}
