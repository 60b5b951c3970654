/** One query over TCP to an upstream, on a marked socket of its own (RFC 7766). Few lookups need it: those whose answers are large. */
import { Socket } from "node:net";
import type { OwnPorts } from "../../sys/local-ports.ts";
import { untilWritable } from "../../sys/readiness.ts";
import { addressFamily, AF_INET, type Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, openSocket, SOCK_STREAM, takeSocketError, type SocketMark } from "../../sys/socket.ts";
import type { RandomSource } from "../random.ts";
import type { UpstreamTransport } from "../upstream-transport.ts";
import { createFrameReader, frameMessage } from "./tcp-framing.ts";

const MAX_UNDER_WAY = 128;

export interface TcpExchangeOptions {
  readonly upstreams: readonly Endpoint[];
  readonly mark: SocketMark;
  readonly ports: OwnPorts;
  readonly random: RandomSource;
}

/** Makes the exchange. More than 128 at once get no answer. */
export function createTcpExchange(options: TcpExchangeOptions): UpstreamTransport["exchange"] {
  let underWay = 0;
  return async function exchange(upstream, query, timeoutMs) {
    const remote = options.upstreams[upstream];
    if (remote === undefined || underWay >= MAX_UNDER_WAY) return undefined;
    underWay += 1;
    try {
      return await askOnce(remote, query, AbortSignal.timeout(timeoutMs), options);
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
  { mark, ports, random }: TcpExchangeOptions,
): Promise<Buffer | undefined> {
  const any = addressFamily(remote.address) === AF_INET ? "0.0.0.0" : "::";
  const port = ports.count > 0 ? ports.port(random.below(ports.count)) : 0;
  const fd = openSocket({ type: SOCK_STREAM, local: { address: any, port }, remote, mark });
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
    socket.destroy();
  }
}

function readAnswer(socket: Socket, query: Buffer, signal: AbortSignal): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const reader = createFrameReader(resolve);
    socket.on("data", (chunk: Buffer) => reader.push(chunk));
    socket.on("error", reject);
    socket.on("close", () => resolve(undefined));
    signal.addEventListener("abort", () => resolve(undefined), { once: true });
    socket.write(frameMessage(query));
  });
}
