/**
 * Questions over TCP to the upstreams, on marked sockets (RFC 7766): connections are kept for a moment and
 * carry several questions. Few lookups need it, those whose answers are large. What finds no place waits for
 * one until its time is over.
 */
import type { Socket } from "node:net";
import type { Endpoint } from "../../sys/socket-address.ts";
import type { ExchangeRequest, UpstreamTransport } from "../upstream/transport.ts";
import type { OwnSocketOptions } from "./own-socket.ts";
import type { Asking } from "./tcp-connection.ts";
import { createTcpSharing, type TcpSharing } from "./tcp-sharing.ts";

/** How long, and how many at once, connections wait for the upstream's end of them. */
const LINGER_MS = 1000;
const MAX_LINGERING = 128;

export interface TcpExchangeOptions extends OwnSocketOptions {
  readonly upstreams: readonly Endpoint[];
}

export interface TcpExchange {
  readonly ask: UpstreamTransport["exchange"];
  /** Ends all connections; what waits gets no answer. */
  close(): void;
}

export function createTcpExchange(options: TcpExchangeOptions): TcpExchange {
  const hangUp = createHangUp();
  const sharings = options.upstreams.map((remote) => createTcpSharing({ remote, own: options, hangUp }));
  return {
    async ask(request) {
      const sharing = sharings[request.upstream];
      return sharing === undefined ? undefined : askWithin(sharing, request);
    },
    close() {
      for (const sharing of sharings) sharing.close();
    },
  };
}

function askWithin(
  sharing: TcpSharing,
  { query, group, isWanted, timeoutMs }: ExchangeRequest,
): Promise<Buffer | undefined> {
  const { promise, resolve } = Promise.withResolvers<Buffer | undefined>();
  const asking: Asking = { query, group, isWanted, settle, tries: 0, sentMs: 0 };
  const timer = setTimeout(() => {
    sharing.expire(asking);
    resolve(undefined);
  }, Math.ceil(timeoutMs)).unref();
  function settle(answer: Buffer | undefined): void {
    clearTimeout(timer);
    resolve(answer);
  }
  sharing.ask(asking);
  return promise;
}

/**
 * Ends our side and waits for the other's: a closed socket has no group any more, and the kernel would be
 * refused the acknowledgement of the upstream's end, which would then send it for a minute.
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
