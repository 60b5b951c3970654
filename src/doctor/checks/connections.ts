/** What any program may do: connections and datagrams to an address that no rule allows. */
import { AF_INET, AF_INET6 } from "../../sys/socket-address.ts";
import { type BareSocket, internetAddress, openBareSocket } from "../../sys/bare-socket.ts";
import { SOCK_DGRAM } from "../../sys/socket.ts";
import { type Check, type Way, waysOut } from "../check.ts";
import { type Ending, type Judge, judgeConnect, judgeSend } from "../evidence.ts";
import { goesTo, holds } from "../frames.ts";
import { connectTo, type ConnectOptions } from "../io/connect.ts";
import { runTrials, type Trial } from "../io/trials.ts";
import { icmp, Protocol, DISCARD } from "../packets.ts";
import { drawToken } from "../place.ts";

const MPTCP = 262;
const WEB = 80;
const LARGE_OCTETS = 9000;
const LEVEL = { IPv4: 0, IPv6: 41 } as const;
const TRANSPARENT = { IPv4: 19, IPv6: 75 } as const;
const IPV6_FREEBIND = 78;
/** Kept for documentation, like the unicast ranges: RFC 6676. */
const GROUPS = { IPv4: "233.252.0.1", IPv6: "ff0e::db8:0:1" } as const;

export const CONNECTIONS: readonly Check[] = [
  check("TCP to a denied address", "1", judgeConnect, (way) => [
    connecting("TCP", way, WEB),
    connecting("TCP port 443", way, 443),
  ]),
  check("MPTCP, TCP fast open", "1, 26", judgeConnect, (way) => [
    connecting("MPTCP", way, WEB, { protocol: MPTCP }),
    connecting("fast open", way, WEB, { fastOpen: drawToken() }),
  ]),
  check("UDP to a denied address", "1", judgeSend, (way) => [
    sending("UDP", way),
    sending("UDP in fragments", way, { octets: LARGE_OCTETS }),
  ]),
  check("ping", "1", judgeSend, (way) => [pinging(way)]),
  check("multicast", "2", judgeSend, (way) => [
    sending("UDP to a group", { ...way, destination: GROUPS[way.family] }),
  ]),
  check("foreign source by a socket option", "26", judgeSend, (way) => [
    sending("IP_TRANSPARENT", way, { prepare: bindForeign(way, TRANSPARENT[way.family]) }),
    // Of IPv4 the kernel finds no route from such a source.
    ...(way.family === "IPv6"
      ? [sending("IPV6_FREEBIND", way, { prepare: bindForeign(way, IPV6_FREEBIND) })]
      : []),
  ]),
  check("DNS over TLS", "8", judgeConnect, (way) => [connecting("TCP port 853", way, 853)]),
];

function check(name: string, row: string, judge: Judge, trials: (way: Way) => readonly Trial[]): Check {
  return {
    name,
    row,
    async run(place) {
      const { ways, missing } = waysOut(place);
      return [...(await runTrials(place.watch, ways.flatMap(trials), judge)), ...missing];
    },
  };
}

export function connecting(
  what: string,
  { family, destination }: Pick<Way, "family" | "destination">,
  port: number,
  options?: ConnectOptions,
): Trial {
  const endpoint = { address: destination, port };
  const mark = goesTo(destination, Protocol.tcp, port);
  return { what, family, mark, act: () => connectTo(endpoint, options) };
}

interface SendOptions {
  readonly octets?: number;
  readonly prepare?: (socket: BareSocket) => void;
}

export function sending(what: string, way: Way, { octets = 0, prepare }: SendOptions = {}): Trial {
  const { family, destination } = way;
  const token = drawToken();
  const data = Buffer.concat([token, Buffer.alloc(octets)]);
  return {
    what,
    family,
    mark: holds(token),
    act() {
      using socket = openBareSocket({ domain: domainOf(way), type: SOCK_DGRAM });
      prepare?.(socket);
      socket.send(data, internetAddress({ address: destination, port: DISCARD }));
      return SENT;
    },
  };
}

export const SENT: Ending = { kind: "sent" };

/** An echo request by a socket that needs no capability. */
function pinging(way: Way): Trial {
  const { family, destination } = way;
  const token = drawToken();
  const [protocol, type] = family === "IPv4" ? [Protocol.icmp, 8] : [Protocol.icmpv6, 128];
  return {
    what: "ICMP echo",
    family,
    mark: holds(token),
    act() {
      using socket = openBareSocket({ domain: domainOf(way), type: SOCK_DGRAM, protocol });
      const message = icmp(way, type, Buffer.concat([Buffer.alloc(4), token]));
      socket.send(message, internetAddress({ address: destination, port: 0 }));
      return SENT;
    },
  };
}

function bindForeign({ family }: Way, option: number): (socket: BareSocket) => void {
  const address = family === "IPv4" ? "198.51.100.77" : "2001:db8:fffe::77";
  return (socket) => {
    socket.set(LEVEL[family], option, 1);
    socket.bind(internetAddress({ address, port: 0 }));
  };
}

export function domainOf({ family }: Pick<Way, "family">): number {
  return family === "IPv4" ? AF_INET : AF_INET6;
}
