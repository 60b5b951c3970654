import type { Server } from "node:net";
import { createPoll, POLLERR, POLLHUP, POLLNVAL } from "./poll.ts";
import { setSendBuffer } from "./socket.ts";

/**
 * Bounds what the kernel keeps for each caller who does not read what he is sent: by itself it lets some
 * megabytes wait. Connections have it from the listening socket, which Node tells nobody about but by its
 * handle. Throws SystemCallError.
 */
export function boundUnread(server: Server, octets: number): void {
  setSendBuffer(descriptorOf(server), octets);
}

/**
 * Whether the kernel takes connections for the server no longer, of which Node says nothing: somebody has
 * ended the socket.
 */
export function hasEnded(server: Server): boolean {
  const events = createPoll(descriptorOf(server)).read();
  return (events & (POLLERR | POLLHUP | POLLNVAL)) !== 0;
}

function descriptorOf(server: Server): number {
  const handle: unknown = Reflect.get(server, "_handle");
  const fd: unknown = typeof handle === "object" && handle !== null ? Reflect.get(handle, "fd") : undefined;
  if (typeof fd !== "number" || fd < 0) throw new TypeError("this Node does not tell a server's descriptor");
  return fd;
}
