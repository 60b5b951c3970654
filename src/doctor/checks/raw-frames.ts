/** Frames past the output hook, by packet sockets: on each interface, by each of their ways. */
import {
  AF_PACKET,
  type BareSocket,
  linkAddress,
  openBareSocket,
  SOL_PACKET,
} from "../../sys/bare-socket.ts";
import { SOCK_RAW, SOL_SOCKET } from "../../sys/socket-constants.ts";
import { SOCK_DGRAM } from "../../sys/socket.ts";
import { type Check, type Way, waysOut } from "../check.ts";
import { judgeSend, untried } from "../evidence.ts";
import type { Finding } from "../finding.ts";
import { holds } from "../frames.ts";
import { runTrials, type Trial } from "../io/trials.ts";
import { ethernet, EtherType, udpPacket, uint16 } from "../packets.ts";
import type { Device } from "../device.ts";
import { drawToken, type Place } from "../place.ts";
import { SENT } from "./connections.ts";
import { MARKS, setMark } from "./marks.ts";

const PACKET_QDISC_BYPASS = 20;
/** Kept for documentation: RFC 7042 section 2.1.2. Nobody's station. */
const NOBODY = Buffer.from([0x00, 0x00, 0x5e, 0x00, 0x53, 0x01]);

/** How a frame is sent; it is given whole, with its header of 14 octets. */
interface Means {
  readonly what: string;
  readonly type?: number;
  readonly prepare?: (socket: BareSocket) => void;
}

const RAW: Means = { what: "" };
const COOKED: Means = { what: ", header by the kernel", type: SOCK_DGRAM };
const BYPASS: Means = {
  what: "",
  prepare: (socket) => socket.set(SOL_PACKET, PACKET_QDISC_BYPASS, 1),
};
const MARKED: readonly Means[] = MARKS.map((mark) => ({
  what: `, mark ${mark}`,
  prepare: (socket) => setMark(socket, SOL_SOCKET, mark),
}));

export const RAW_FRAMES: readonly Check[] = [
  check("raw frames", "5", [RAW, COOKED], datagrams),
  check("raw frames past the queue", "5", [BYPASS], (device, way, token) => [
    ...datagrams(device, way, token),
    ...others(device, token),
  ]),
  check("other ethertypes, VLAN, ARP with data", "5", [RAW], (device, _way, token) => others(device, token)),
  check("marked frames", "4, 5", MARKED, datagrams),
];

interface Content {
  readonly what: string;
  readonly frame: Buffer;
}

type Contents = (device: Device, way: Way, token: Buffer) => readonly Content[];

function check(name: string, row: string, means: readonly Means[], contents: Contents): Check {
  return { name, row, needsRaw: true, run: (place) => run(place, means, contents) };
}

async function run(place: Place, means: readonly Means[], contents: Contents): Promise<readonly Finding[]> {
  const { ways } = waysOut(place);
  const trials = place.devices.flatMap((device) =>
    means.flatMap((one) =>
      ways.flatMap((way) => {
        const token = drawToken();
        return contents(device, way, token).map((content) =>
          toTrial(device, way, token, { ...one, content }),
        );
      }),
    ),
  );
  if (trials.length > 0) return runTrials(place.watch, trials, judgeSend);
  return [{ what: "frames", ...untried("no interface with an address") }];
}

function toTrial(
  device: Device,
  { family }: Way,
  token: Buffer,
  { what, type = SOCK_RAW, prepare, content }: Means & { readonly content: Content },
): Trial {
  return {
    what: `${content.what} on ${device.name}${what}`,
    family,
    mark: holds(token),
    act() {
      using socket = openBareSocket({ domain: AF_PACKET, type });
      prepare?.(socket);
      const ethertype = content.frame.readUInt16BE(12);
      if (type === SOCK_RAW) socket.send(content.frame, linkAddress(device.index, ethertype));
      else socket.send(content.frame.subarray(14), linkAddress(device.index, ethertype, NOBODY));
      return SENT;
    },
  };
}

function datagrams(device: Device, way: Way, token: Buffer): readonly Content[] {
  const type = way.family === "IPv4" ? EtherType.ipv4 : EtherType.ipv6;
  return [{ what: "UDP", frame: ethernet(NOBODY, device.hardware, type, udpPacket(way, token)) }];
}

function others(device: Device, token: Buffer): readonly Content[] {
  const from = device.hardware;
  // hardware 1, protocol IPv4, lengths 6 and 4, a request that says nothing of its sender; data where the
  // addresses end.
  const arp = Buffer.concat([Buffer.from([0, 1, 8, 0, 6, 4, 0, 1]), from, Buffer.alloc(14), token]);
  const tagged = Buffer.concat([uint16(7), uint16(EtherType.experiment), token, token]);
  return [
    { what: "ARP with data", frame: ethernet(NOBODY, from, EtherType.arp, arp) },
    { what: "a VLAN tag", frame: ethernet(NOBODY, from, EtherType.vlan, tagged) },
    { what: "an experimental ethertype", frame: ethernet(NOBODY, from, EtherType.experiment, token) },
  ];
}
