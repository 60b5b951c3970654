import { SystemCallError } from "../../sys/errors.ts";
import type { OwnPorts } from "../../sys/local-ports.ts";
import { addressFamily, AF_INET, type Endpoint } from "../../sys/socket-address.ts";
import { openSocket, type SocketMark, type SocketOptions } from "../../sys/socket.ts";
import type { RandomSource } from "../random.ts";

const BIND_TRIES = 8;

export interface OwnSocketOptions {
  readonly mark: SocketMark;
  readonly ports: OwnPorts;
  readonly random: RandomSource;
}

/**
 * A connected (TCP: connecting), marked socket on a random port that the kernel gives to no client. A port
 * that is taken is drawn anew, and after eight of them the kernel draws. Throws SystemCallError.
 */
export function openOwnSocket(
  remote: Endpoint,
  { mark, ports, random }: OwnSocketOptions,
  options: Pick<SocketOptions, "type" | "receiveBuffer">,
): number {
  const address = addressFamily(remote.address) === AF_INET ? "0.0.0.0" : "::";
  for (let tries = 0; ; tries++) {
    const isOwn = tries < BIND_TRIES && ports.count > 0;
    const port = isOwn ? ports.port(random.below(ports.count)) : 0;
    try {
      return openSocket({ ...options, local: { address, port }, remote, mark });
    } catch (error) {
      if (!isOwn || !isPortTaken(error)) throw error;
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof SystemCallError && (error.code === "EADDRINUSE" || error.code === "EACCES");
}
