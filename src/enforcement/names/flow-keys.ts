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

const [V4, V6] = ["4", "6"];

/** Of the client's tuple. */
export function keyOf({ source, destination, sourcePort, destinationPort }: FlowTuple): string {
  return `${source.length === 4 ? V4 : V6}${source.toString("latin1")}${destination.toString("latin1")}${sourcePort}:${destinationPort}`;
}

/** The client's tuple again. */
export function tupleOf(key: string): FlowTuple {
  const end = 1 + (key.startsWith(V4) ? 4 : 16);
  const after = 2 * end - 1;
  const [sourcePort, destinationPort] = key.slice(after).split(":").map(Number);
  return {
    source: Buffer.from(key.slice(1, end), "latin1"),
    destination: Buffer.from(key.slice(end, after), "latin1"),
    sourcePort: sourcePort ?? 0,
    destinationPort: destinationPort ?? 0,
    protocol: TCP,
  };
}
