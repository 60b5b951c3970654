import type { Socket } from "node:net";

/**
 * Closes the connection, by a reset if it is one of TCP: the kernel then keeps nothing that the caller has
 * not read.
 */
export function cutOff(socket: Socket): void {
  if (socket.remotePort === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
