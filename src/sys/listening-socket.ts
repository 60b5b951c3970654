import type { Server } from "node:net";
import { createPoll, POLLERR, POLLHUP, POLLNVAL } from "./poll.ts";
import type { Endpoint } from "./socket-address.ts";
import { closeSocket, openSocket, setSendBuffer, SOCK_STREAM } from "./socket.ts";

/**
 * Binds a TCP socket, of one family alone, for a Node server to listen on by its descriptor. Node's own way,
 * by an address, makes a regular expression for IPv6 that takes 5 ms of a start. The address may have
 * connections that are ending.
 *
 * `unreadOctets` bounds what the kernel keeps for each caller who does not read what he is sent: by itself it
 * lets some megabytes wait. Connections have it from this socket. Throws SystemCallError.
 */
export function bindForServer(local: Endpoint, unreadOctets: number): number {
  const fd = openSocket({ type: SOCK_STREAM, local, reusesAddress: true });
  try {
    setSendBuffer(fd, unreadOctets);
    return fd;
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
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
