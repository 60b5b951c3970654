/** The flow of a TCP packet: its tuples, and the key that both directions have in common. */
import type { FlowTuple } from "../../netfilter/wire/conntrack.ts";
import { TCP } from "../../netfilter/wire/constants.ts";
import type { TcpSegment } from "../../netfilter/wire/tcp-segment.ts";

/** As the packet itself goes. */
export function toTuple({ source, destination, sourcePort, destinationPort }: TcpSegment): FlowTuple {
  return { source, destination, sourcePort, destinationPort, protocol: TCP };
}

/** As what answers it goes. */
export function reversed({
  source,
  destination,
  sourcePort,
  destinationPort,
  protocol,
}: FlowTuple): FlowTuple {
  return {
    source: destination,
    destination: source,
    sourcePort: destinationPort,
    destinationPort: sourcePort,
    protocol,
  };
}

/** Two addresses of IPv6, and two ports: what a key is made of, as a text of as many characters. */
const scratch = Buffer.alloc(36);
const IPV4_KEY = 12;

/** Of the client's tuple. */
export function keyOf({ source, destination, sourcePort, destinationPort }: FlowTuple): string {
  const { length } = source;
  scratch.set(source, 0);
  scratch.set(destination, length);
  scratch.writeUInt16BE(sourcePort, 2 * length);
  scratch.writeUInt16BE(destinationPort, 2 * length + 2);
  return scratch.toString("latin1", 0, 2 * length + 4);
}

/** The client's tuple again. */
export function tupleOf(key: string): FlowTuple {
  const octets = Buffer.from(key, "latin1");
  const length = octets.length === IPV4_KEY ? 4 : 16;
  return {
    source: octets.subarray(0, length),
    destination: octets.subarray(length, 2 * length),
    sourcePort: octets.readUInt16BE(2 * length),
    destinationPort: octets.readUInt16BE(2 * length + 2),
    protocol: TCP,
  };
}
