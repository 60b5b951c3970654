/**
 * Asks the upstreams for a host's addresses on marked sockets of our own, past the resolver that the policy
 * governs.
 */
import { readSync, writeSync } from "node:fs";
import { NO_GROUP } from "../../dns/bounds/lookup-groups.ts";
import { openOwnSocket, type OwnSocketOptions } from "../../dns/io/own-socket.ts";
import { createTcpExchange } from "../../dns/io/tcp-exchange.ts";
import { createRandomSource } from "../../dns/random.ts";
import { createUpstreamHabits, Style } from "../../dns/upstream/habits.ts";
import { readOwnPorts } from "../../sys/local-ports.ts";
import { fillRandom } from "../../sys/random.ts";
import { watchReadable } from "../../sys/readiness.ts";
import type { Endpoint } from "../../sys/socket-address.ts";
import { closeSocket, SOCK_DGRAM, type SocketMark } from "../../sys/socket.ts";
import { askInTurn } from "../ask-in-turn.ts";
import {
  encodeHostQuery,
  type HostAnswer,
  type HostQuery,
  type NoAnswer,
  readHostAnswer,
} from "../host-message.ts";
import type { AskUpstreams } from "../host-resolver.ts";

/** For one try over UDP, and then, if the upstream said too much or nothing, over TCP. */
const UDP_LIMIT_MS = 1200;
const TCP_LIMIT_MS = 1500;
/** More are not asked: a request has five seconds in all. */
const MAX_UPSTREAMS = 3;
const MAX_OCTETS = 4096;

export function createUpstreamAsker(upstreams: readonly Endpoint[], mark: SocketMark): AskUpstreams {
  const asked = upstreams.slice(0, MAX_UPSTREAMS);
  const options = {
    upstreams: asked,
    mark,
    ports: readOwnPorts(),
    random: createRandomSource(fillRandom, 256),
  };
  const exchange = createTcpExchange(options);
  const habits = createUpstreamHabits(asked.length);

  async function askOverTcp(upstream: number, query: HostQuery): Promise<HostAnswer | undefined> {
    const request = { query: query.message, group: NO_GROUP, timeoutMs: TCP_LIMIT_MS, isWanted: () => true };
    const message = await exchange.ask({ upstream, ...request });
    const answer = message === undefined ? undefined : readHostAnswer(message, query);
    return typeof answer === "object" ? answer : undefined;
  }

  /** Where EDNS is refused, or nothing is heard to it, once more without it. */
  async function askOne(
    upstream: number,
    endpoint: Endpoint,
    encode: (edns: boolean) => HostQuery,
  ): Promise<HostAnswer | undefined> {
    const usesEdns = (habits.style(upstream, performance.now()) & Style.withoutEdns) === 0;
    for (const edns of usesEdns ? [true, false] : [false]) {
      const query = encode(edns);
      const overUdp = await askOverUdp(endpoint, query, options);
      if (overUdp === "failed") return undefined;
      if (overUdp === "truncated") return askOverTcp(upstream, query);
      if (typeof overUdp !== "object") continue;
      const style = Style.lowerCase | (edns ? 0 : Style.withoutEdns);
      if (edns) habits.proved(upstream, style, performance.now());
      else habits.helped(upstream, style, performance.now());
      return overUdp;
    }
    return askOverTcp(upstream, encode(false));
  }

  return (host, type) => {
    const encode = (edns: boolean): HostQuery => encodeHostQuery(host, type, options.random.word(), edns);
    return askInTurn(asked.map((endpoint, upstream) => () => askOne(upstream, endpoint, encode)));
  };
}

/** Undefined when no answer came in time, or the network said that none will. */
function askOverUdp(
  upstream: Endpoint,
  query: HostQuery,
  options: OwnSocketOptions,
): Promise<HostAnswer | NoAnswer | undefined> {
  const { promise, resolve } = Promise.withResolvers<HostAnswer | NoAnswer | undefined>();
  const room = Buffer.alloc(MAX_OCTETS);
  let fd: number;
  try {
    fd = openOwnSocket(upstream, options, { type: SOCK_DGRAM });
  } catch {
    return Promise.resolve("failed"); // no route, or no descriptor: the next upstream may have one
  }
  const settle = (answer: HostAnswer | NoAnswer | undefined): void => {
    clearTimeout(timer);
    watch.close();
    closeSocket(fd);
    resolve(answer);
  };
  const timer = setTimeout(() => settle(undefined), UDP_LIMIT_MS);
  const watch = watchReadable(fd, () => {
    try {
      const octets = readSync(fd, room);
      const answer = readHostAnswer(room.subarray(0, octets), query);
      // What fills the room was longer than it, and was cut.
      if (answer !== undefined) settle(octets === MAX_OCTETS ? "truncated" : answer);
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
