/** Asks the upstreams for a host's addresses on marked sockets of our own, past the resolver that the policy governs. */
import { readSync, writeSync } from "node:fs";
import { openOwnSocket, type OwnSocketOptions } from "../../dns/io/own-socket.ts";
import { createTcpExchange } from "../../dns/io/tcp-exchange.ts";
import { createRandomSource } from "../../dns/random.ts";
import { readOwnPorts } from "../../sys/local-ports.ts";
import { fillRandom } from "../../sys/random.ts";
import { watchReadable } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_DGRAM, type SocketMark } from "../../sys/socket.ts";
import { encodeHostQuery, type HostAnswer, type HostQuery, readHostAnswer } from "../host-message.ts";
import type { AskUpstreams } from "../host-resolver.ts";

/** For one upstream, over UDP and then, where it said nothing or too much, over TCP. */
const UDP_LIMIT_MS = 800;
const TCP_LIMIT_MS = 1500;
/** More are not asked: a request has five seconds in all. */
const MAX_UPSTREAMS = 3;

export function createUpstreamAsker(upstreams: readonly Endpoint[], mark: SocketMark): AskUpstreams {
  const options = { upstreams, mark, ports: readOwnPorts(), random: createRandomSource(fillRandom, 256) };
  const exchange = createTcpExchange(options);
  return async (host, type) => {
    for (const [index, upstream] of upstreams.slice(0, MAX_UPSTREAMS).entries()) {
      const query = encodeHostQuery(host, type, options.random.word());
      const overUdp = await askOverUdp(upstream, query, options);
      if (overUdp !== undefined && overUdp !== "truncated") return overUdp;
      const message = await exchange(index, query.message, TCP_LIMIT_MS);
      const overTcp = message === undefined ? undefined : readHostAnswer(message, query);
      if (overTcp !== undefined && overTcp !== "truncated") return overTcp;
    }
    return undefined;
  };
}

/** Undefined when no answer came in time, or the network said that none will. */
function askOverUdp(
  upstream: Endpoint,
  query: HostQuery,
  options: OwnSocketOptions,
): Promise<HostAnswer | "truncated" | undefined> {
  const { promise, resolve } = Promise.withResolvers<HostAnswer | "truncated" | undefined>();
  const room = Buffer.alloc(4096);
  let fd: number;
  try {
    fd = openOwnSocket(upstream, options, { type: SOCK_DGRAM });
  } catch {
    return Promise.resolve(undefined); // no route, or no descriptor: the next upstream may have one
  }
  const settle = (answer: HostAnswer | "truncated" | undefined): void => {
    clearTimeout(timer);
    watch.close();
    closeSocket(fd);
    resolve(answer);
  };
  const timer = setTimeout(() => settle(undefined), UDP_LIMIT_MS);
  const watch = watchReadable(fd, () => {
    try {
      const answer = readHostAnswer(room.subarray(0, readSync(fd, room)), query);
      if (answer !== undefined) settle(answer);
    } catch {
      settle(undefined); // an ICMP error: nobody listens there
    }
  });
  try {
    writeSync(fd, query.message);
  } catch {
    settle(undefined);
  }
  return promise;
}
