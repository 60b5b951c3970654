/**
 * Flows as the kernel's sets of addresses with protocols and ports hold them: `ipv4_addr . inet_proto .
 * inet_service`, each field a range. Pieces of one set of flows never overlap. `th dport` is read for every
 * protocol, so those without ports have all of them.
 */
import {
  EVERY_PORT,
  type FlowSet,
  isNone,
  PORT_MAX,
  type PortRange,
  type PortSet,
} from "../../policy/flow-set.ts";

/** Numbers of protocols, and ports: both ends are included. */
export interface FlowPiece {
  readonly protocols: PortRange;
  readonly ports: PortRange;
}

const [TCP, UDP, ICMP, ICMPV6, LAST_PROTOCOL] = [6, 17, 1, 58, 255];

/** For an address of so many octets. */
export function piecesOf(flows: FlowSet, octets: 4 | 16): readonly FlowPiece[] {
  if (isNone(flows)) return [];
  const pieces: FlowPiece[] = [];
  for (const { first, last, ports } of sectionsOf(flows, octets)) {
    for (const range of ports) {
      const before = pieces.at(-1);
      const joins =
        isWhole(range) &&
        before !== undefined &&
        isWhole(before.ports) &&
        before.protocols.last + 1 === first;
      if (joins)
        pieces[pieces.length - 1] = { protocols: { first: before.protocols.first, last }, ports: range };
      else pieces.push({ protocols: { first, last }, ports: range });
    }
  }
  return pieces;
}

/** What the pieces of an address of so many octets hold together. */
export function flowsOfPieces(pieces: readonly FlowPiece[], octets: 4 | 16): FlowSet {
  const icmp = octets === 4 ? ICMP : ICMPV6;
  const portsOf = (number: number): PortSet =>
    pieces.flatMap(({ protocols, ports }) =>
      protocols.first <= number && number <= protocols.last ? [ports] : [],
    );
  return { tcp: portsOf(TCP), udp: portsOf(UDP), icmp: portsOf(icmp), other: portsOf(LAST_PROTOCOL) };
}

/** In nft(8)'s words, behind an address: `6 . 443`. */
export function renderPiece({ protocols, ports }: FlowPiece): string {
  return `${renderNumbers(protocols)} . ${renderNumbers(ports)}`;
}

interface Section extends PortRange {
  readonly ports: PortSet;
}

/** All protocols by their numbers. */
function sectionsOf({ tcp, udp, icmp, other }: FlowSet, octets: 4 | 16): readonly Section[] {
  const named: readonly Section[] =
    octets === 4
      ? [single(ICMP, icmp), single(TCP, tcp), single(UDP, udp)]
      : [single(TCP, tcp), single(UDP, udp), single(ICMPV6, icmp)];
  const others = other.length > 0 ? EVERY_PORT : [];
  const sections: Section[] = [];
  let next = 0;
  for (const section of named) {
    if (section.first > next) sections.push({ first: next, last: section.first - 1, ports: others });
    sections.push(section);
    next = section.last + 1;
  }
  return [...sections, { first: next, last: LAST_PROTOCOL, ports: others }];
}

function single(number: number, ports: PortSet): Section {
  return { first: number, last: number, ports };
}

function isWhole({ first, last }: PortRange): boolean {
  return first === 0 && last === PORT_MAX;
}

function renderNumbers({ first, last }: PortRange): string {
  return first === last ? `${first}` : `${first}-${last}`;
}
