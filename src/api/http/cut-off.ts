import type { Socket } from "node:net";

/**
 * Closes the connection, by a reset where it is one of TCP: of what the caller has not read the kernel then
 * keeps nothing.
 */
export function cutOff(socket: Socket): void {
  if (socket.remotePort === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
