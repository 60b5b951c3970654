/** One query over TCP to an upstream, on a marked socket of its own (RFC 7766). Few lookups need it: those whose answers are large. */
import { Socket } from "node:net";
import { untilWritable } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_STREAM, takeSocketError } from "../../sys/socket.ts";
import type { UpstreamTransport } from "../upstream/transport.ts";
import { openOwnSocket, type OwnSocketOptions } from "./own-socket.ts";
import { createFrameReader, frameMessage } from "./tcp-framing.ts";

const MAX_UNDER_WAY = 128;
/** How long, and how many at once, connections wait for the upstream's end of them. */
const LINGER_MS = 1000;
const MAX_LINGERING = 128;

export interface TcpExchangeOptions extends OwnSocketOptions {
  readonly upstreams: readonly Endpoint[];
}

/** Makes the exchange. More than 128 at once get no answer. */
export function createTcpExchange(options: TcpExchangeOptions): UpstreamTransport["exchange"] {
  let underWay = 0;
  const hangUp = createHangUp();
  return async function exchange(upstream, query, timeoutMs) {
    const remote = options.upstreams[upstream];
    if (remote === undefined || underWay >= MAX_UNDER_WAY) return undefined;
    const signal = AbortSignal.timeout(Math.ceil(timeoutMs));
    underWay += 1;
    try {
      return await askOnce(remote, query, signal, { ...options, hangUp });
    } catch {
      // Refused, reset, timed out, no descriptor: all of them mean "no answer from this one", and the caller has one for that.
      return undefined;
    } finally {
      underWay -= 1;
    }
  };
}

async function askOnce(
  remote: Endpoint,
  query: Buffer,
  signal: AbortSignal,
  options: TcpExchangeOptions & { readonly hangUp: (socket: Socket) => void },
): Promise<Buffer | undefined> {
  const fd = openOwnSocket(remote, options, { type: SOCK_STREAM });
  try {
    await untilWritable(fd, signal);
    if (takeSocketError(fd) !== 0) throw new Error("the upstream refused the connection");
  } catch (error) {
    closeSocket(fd);
    throw error;
  }
  const socket = new Socket({ fd });
  try {
    return await readAnswer(socket, query, signal);
  } finally {
    options.hangUp(socket);
  }
}

/**
 * Ends our side and waits for the other's: a closed socket has no group any more, and the kernel would be refused the acknowledgement of
 * the upstream's end, which would then send it for a minute.
 */
function createHangUp(): (socket: Socket) => void {
  let lingering = 0;
  return (socket) => {
    if (socket.destroyed || lingering >= MAX_LINGERING) {
      socket.destroy();
      return;
    }
    lingering += 1;
    const timer = setTimeout(() => socket.destroy(), LINGER_MS).unref();
    socket.once("close", () => {
      lingering -= 1;
      clearTimeout(timer);
    });
    socket.end();
  };
}

function readAnswer(socket: Socket, query: Buffer, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const reader = createFrameReader((octets, start, end) => resolve(octets.subarray(start, end)));
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(undefined));
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    socket.write(frameMessage(query));
  });
}
