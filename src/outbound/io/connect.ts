/**
 * Connections on sockets with our mark: the kernel lets them to the ways that are open for it, and no one
 * else's.
 */
import { Socket } from "node:net";
import { SystemCallError } from "../../sys/errors.ts";
import { untilWritable } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, openSocket, SOCK_STREAM, type SocketMark, takeSocketError } from "../../sys/socket.ts";
import { OutboundError } from "../errors.ts";

/** An address that is silent leaves time for the next one. */
const CONNECT_LIMIT_MS = 2000;

/**
 * Connects to the first of the addresses that answers. Throws OutboundError with the last reason as its
 * cause; once `given` gives it up, no other is tried. The last address has all the time that is given.
 */
export async function connectToAny(
  endpoints: readonly Endpoint[],
  mark: SocketMark,
  given: readonly AbortSignal[] = [],
): Promise<Socket> {
  let cause: unknown;
  for (const endpoint of endpoints) {
    const isBounded = given.length === 0 || endpoint !== endpoints.at(-1);
    const limits = isBounded ? [AbortSignal.timeout(CONNECT_LIMIT_MS), ...given] : given;
    try {
      return await connectMarked(endpoint, mark, AbortSignal.any([...limits]));
    } catch (error) {
      cause = error;
      if (given.some(({ aborted }) => aborted)) break;
    }
  }
  const shown = endpoints.map(({ address, port }) => `${address} port ${port}`).join(", ");
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  throw new OutboundError("not-connected", `no connection to ${shown}${reason}`, { cause });
}

/** Throws SystemCallError, and the signal's reason once it is given up. */
export async function connectMarked(
  remote: Endpoint,
  mark: SocketMark,
  signal: AbortSignal,
): Promise<Socket> {
  const fd = openSocket({ type: SOCK_STREAM, remote, mark });
  try {
    await untilWritable(fd, signal);
    const errno = takeSocketError(fd);
    if (errno !== 0) throw new SystemCallError("connect", errno);
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  return new Socket({ fd });
}
