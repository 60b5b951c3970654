import { EINPROGRESS } from "../../sys/libc.ts";
import { untilWritable } from "../../sys/readiness.ts";
import { errnoName, SystemCallError } from "../../sys/errors.ts";
import { type BareSocket, internetAddress, openBareSocket } from "../../sys/bare-socket.ts";
import { addressFamily, type Endpoint } from "../../sys/socket-address.ts";
import { SOCK_STREAM, takeSocketError } from "../../sys/socket.ts";
import type { Ending } from "../evidence.ts";

/** A refusal by a rule takes less than a millisecond; somebody outside may take longer. */
const WAIT_MS = 400;
const MSG_FASTOPEN = 0x2000_0000;

export interface ConnectOptions {
  /** IPPROTO_MPTCP and the like; TCP unless told. */
  readonly protocol?: number;
  /** Sent in the SYN, if the kernel has TCP fast open. */
  readonly fastOpen?: Uint8Array;
  /** Called before the connection. */
  readonly prepare?: (socket: BareSocket) => void;
}

/**
 * Connects, and closes at once. Throws SystemCallError if the kernel refuses it before anything is sent.
 */
export async function connectTo(endpoint: Endpoint, options: ConnectOptions = {}): Promise<Ending> {
  const { protocol = 0, fastOpen, prepare } = options;
  const domain = addressFamily(endpoint.address);
  using socket = openBareSocket({ domain, type: SOCK_STREAM, protocol });
  prepare?.(socket);
  const address = internetAddress(endpoint);
  if (fastOpen === undefined) socket.connect(address);
  else sendInSyn(socket, fastOpen, address);
  const timeout = AbortSignal.timeout(WAIT_MS);
  try {
    await untilWritable(socket.fd, timeout);
  } catch (error) {
    if (timeout.aborted) return { kind: "silent" };
    throw error;
  }
  const errno = takeSocketError(socket.fd);
  return errno === 0 ? { kind: "connected" } : { kind: "refused", code: errnoName(errno) };
}

function sendInSyn(socket: BareSocket, data: Uint8Array, address: Uint8Array): void {
  try {
    socket.send(data, address, MSG_FASTOPEN);
  } catch (error) {
    if (!(error instanceof SystemCallError) || error.errno !== EINPROGRESS) throw error;
  }
}
