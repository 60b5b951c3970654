/** Packets made by hand and sent through the output hook, by a raw socket: headers and all. */
import { internetAddress, openBareSocket } from "../../sys/bare-socket.ts";
import { SOCK_RAW } from "../../sys/socket-constants.ts";
import { type Check, type Way, waysOut } from "../check.ts";
import { judgeSend } from "../evidence.ts";
import { holds } from "../frames.ts";
import { runTrials, type Trial } from "../io/trials.ts";
import { icmp, ipPacket, octetsOf, Protocol, tcp, udp, udpPacket, uint16 } from "../packets.ts";
import { drawToken } from "../place.ts";
import { domainOf, SENT } from "./connections.ts";

const IPPROTO_RAW = 255;
const MORE_FRAGMENTS = 0x2000;
const FORGED = { IPv4: "198.51.100.77", IPv6: "2001:db8:fffe::77" } as const;

/** What is sent to `destination`, the way's own unless told. The octets of the token have to be in it. */
interface Packet {
  readonly what: string;
  readonly octets: Buffer;
  /** Sent before, by the same socket. */
  readonly first?: Buffer;
  readonly destination?: string;
}

type Packets = (way: Way, token: Buffer) => readonly Packet[];

export const RAW_PACKETS: readonly Check[] = [
  check("raw IP", "1, 6", plain),
  check("forged source", "6", (way, token) => plain({ ...way, source: FORGED[way.family] }, token)),
  check("fragments", "2, 6", fragments),
  check("options and extension headers", "6", headers),
  check("tunnels and translated addresses", "6", wrapped),
  check("control messages", "23", controls),
  check("neighbour discovery", "31", discovery),
];

function check(name: string, row: string, packets: Packets): Check {
  return {
    name,
    row,
    needsRaw: true,
    async run(place) {
      const { ways, missing } = waysOut(place);
      const trials = ways.flatMap((way) => {
        const token = drawToken();
        return packets(way, token).map((packet) => toTrial(way, token, packet));
      });
      return [...(await runTrials(place.watch, trials, judgeSend)), ...missing];
    },
  };
}

function toTrial(
  way: Way,
  token: Buffer,
  { what, octets, first, destination = way.destination }: Packet,
): Trial {
  return {
    what,
    family: way.family,
    mark: holds(token),
    act() {
      using socket = openBareSocket({ domain: domainOf(way), type: SOCK_RAW, protocol: IPPROTO_RAW });
      const address = internetAddress({ address: destination, port: 0 });
      if (first !== undefined) socket.send(first, address);
      socket.send(octets, address);
      return SENT;
    },
  };
}

const SYN = 2;
const ACK = 16;

function plain(way: Way, token: Buffer): readonly Packet[] {
  const packet = (protocol: number, payload: Uint8Array): Buffer => ipPacket({ ...way, protocol, payload });
  return [
    { what: "UDP", octets: udpPacket(way, token) },
    { what: "TCP SYN with data", octets: packet(Protocol.tcp, tcp(way, SYN, token)) },
    { what: "TCP in mid-stream", octets: packet(Protocol.tcp, tcp(way, ACK, token)) },
    { what: "SCTP", octets: packet(Protocol.sctp, token) },
    { what: "another protocol", octets: packet(Protocol.experiment, token) },
  ];
}

/** Connection tracking keeps the first until it has the last, so that the refusal is the last one's. */
function fragments(way: Way, token: Buffer): readonly Packet[] {
  const datagram = udp(way, Buffer.concat([token, token]));
  const [first, last] = [datagram.subarray(0, 24), datagram.subarray(24)];
  if (way.family === "IPv4") {
    const packet = (fragment: number, payload: Buffer): Buffer =>
      ipPacket({ ...way, protocol: Protocol.udp, payload, fragment });
    return [{ what: "UDP in two", first: packet(MORE_FRAGMENTS, first), octets: packet(3, last) }];
  }
  // next:1 0:1 offset in units of eight octets, flags:2 ident:4 (RFC 8200 section 4.5)
  const packet = (fragment: number, part: Buffer): Buffer => {
    const head = Buffer.concat([Buffer.from([Protocol.udp, 0]), uint16(fragment), token.subarray(0, 4)]);
    return ipPacket({ ...way, protocol: Protocol.fragment, payload: Buffer.concat([head, part]) });
  };
  return [{ what: "UDP in two", first: packet(1, first), octets: packet(3 << 3, last) }];
}

function headers(way: Way, token: Buffer): readonly Packet[] {
  const datagram = udp(way, token);
  if (way.family === "IPv4") {
    const packet = (options: Uint8Array): Buffer =>
      ipPacket({ ...way, protocol: Protocol.udp, payload: datagram, options });
    return [
      { what: "record route", octets: packet(Buffer.from([7, 7, 4, 0, 0, 0, 0, 0])) },
      {
        what: "loose source route",
        octets: packet(Buffer.from([0x83, 7, 4, ...octetsOf(way.destination), 0])),
      },
      { what: "router alert", octets: packet(Buffer.from([0x94, 4, 0, 0])) },
    ];
  }
  const padded = [Protocol.udp, 0, 1, 4, 0, 0, 0, 0];
  const routing = [Protocol.udp, 2, 2, 1, 0, 0, 0, 0, ...octetsOf(way.destination)];
  const packet = (protocol: number, header: readonly number[]): Buffer =>
    ipPacket({ ...way, protocol, payload: Buffer.concat([Buffer.from(header), datagram]) });
  return [
    { what: "hop-by-hop options", octets: packet(Protocol.hopByHop, padded) },
    { what: "destination options", octets: packet(Protocol.destinationOptions, padded) },
    { what: "routing header", octets: packet(Protocol.routing, routing) },
  ];
}

/** An address of 203.0.113.0/24 within those that a translator or relay turns into it. */
const TRANSLATED: readonly string[] = ["64:ff9b::cb00:7109", "64:ff9b:1::cb00:7109", "2002:cb00:7109::1"];

function wrapped(way: Way, token: Buffer): readonly Packet[] {
  const inner4 = udpPacket({ source: "192.0.2.77", destination: "203.0.113.9" }, token);
  const inner6 = udpPacket({ source: "2001:db8:fffe::77", destination: "2001:db8:ffff::9" }, token);
  const packet = (protocol: number, ...payload: readonly Uint8Array[]): Buffer =>
    ipPacket({ ...way, protocol, payload: Buffer.concat(payload) });
  return [
    { what: "IPv4 in IP", octets: packet(Protocol.ipInIp, inner4) },
    { what: "IPv6 in IP", octets: packet(Protocol.ipv6, inner6) },
    { what: "GRE", octets: packet(Protocol.gre, Buffer.from([0, 0, 8, 0]), inner4) },
    { what: "ESP", octets: packet(Protocol.esp, Buffer.alloc(8, 7), token) },
    ...(way.family === "IPv6" ? TRANSLATED : []).map((destination) => ({
      what: `to ${destination}`,
      octets: udpPacket({ ...way, destination }, token),
      destination,
    })),
  ];
}

/**
 * Messages that a filter is tempted to let pass; neighbour discovery to afar among them, which is for the
 * link alone.
 */
function controls(way: Way, token: Buffer): readonly Packet[] {
  const protocol = way.family === "IPv4" ? Protocol.icmp : Protocol.icmpv6;
  const about = udpPacket({ source: way.destination, destination: way.source }, token);
  const message = (type: number, ...rest: readonly Uint8Array[]): Buffer =>
    ipPacket({ ...way, protocol, payload: icmp(way, type, Buffer.concat(rest)), ttl: 255 });
  const kinds =
    way.family === "IPv4"
      ? { echo: 8, "echo reply": 0, unreachable: 3, "time exceeded": 11, timestamp: 13 }
      : { echo: 128, "echo reply": 129, unreachable: 1, "time exceeded": 3, "router advertisement": 134 };
  const sent = Object.entries(kinds).map(([what, type]) => ({
    what,
    octets: message(type, Buffer.alloc(4), about),
  }));
  if (way.family === "IPv4") return sent;
  const target = octetsOf(way.destination);
  return [
    ...sent,
    { what: "neighbour solicitation to afar", octets: message(135, Buffer.alloc(4), target, token) },
    { what: "neighbour advertisement to afar", octets: message(136, Buffer.alloc(4), target, token) },
  ];
}

const ALL_NODES = "ff02::1";

/**
 * To the link, on which only the kernel may say who is a neighbour and a router. Harmless if it gets out: no
 * router, and nobody's address.
 */
function discovery(way: Way, token: Buffer): readonly Packet[] {
  if (way.family === "IPv4") return [];
  const ends = { ...way, destination: ALL_NODES };
  const message = (what: string, type: number, ...rest: readonly Uint8Array[]): Packet => ({
    what,
    octets: ipPacket({
      ...ends,
      protocol: Protocol.icmpv6,
      payload: icmp(ends, type, Buffer.concat(rest)),
      ttl: 255,
    }),
    destination: ALL_NODES,
  });
  const target = octetsOf(FORGED.IPv6);
  return [
    message("neighbour solicitation", 135, Buffer.alloc(4), target, token),
    message("neighbour advertisement", 136, Buffer.alloc(4), target, token),
    message("router advertisement", 134, Buffer.alloc(12), token),
  ];
}
