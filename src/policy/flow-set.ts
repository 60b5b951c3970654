/**
 * A set of flows to a place: for each protocol a set of ports. It stands between what rules say of ports and
 * what decides by them. A protocol without ports has all of its flows in the set, or none. The sets are
 * values: ranges ascend, with a gap between any two.
 */

import type { Spoken } from "./app.ts";

/** Both ends are included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

export type PortSet = readonly PortRange[];

/** What the policy tells apart; `icmp` is that of the address's family. */
export type FlowProtocol = "tcp" | "udp" | "icmp" | "other";

export type FlowSet = Readonly<Record<FlowProtocol, PortSet>>;

/** Of one flow, what decides. Protocols without ports have 0. */
export interface FlowKind {
  readonly protocol: FlowProtocol;
  readonly port: number;
  /** What it speaks; undefined: that is not known, and rules that ask for a protocol may yet allow it. */
  readonly app?: Spoken | undefined;
}

const FLOW_PROTOCOLS = ["tcp", "udp", "icmp", "other"] as const;
export const PORT_MAX = 65_535;
/** Ports as they stand in a header: no rule can name port 0. */
export const EVERY_PORT: PortSet = [{ first: 0, last: PORT_MAX }];
const NO_PORT: PortSet = [];

export const NO_FLOWS: FlowSet = { tcp: NO_PORT, udp: NO_PORT, icmp: NO_PORT, other: NO_PORT };
export const EVERY_FLOW: FlowSet = {
  tcp: EVERY_PORT,
  udp: EVERY_PORT,
  icmp: EVERY_PORT,
  other: EVERY_PORT,
};

/** By the protocol's number in the header, at an address of this many octets. */
export function flowKindOf(octets: number, protocol: number, port: number): FlowKind {
  if (protocol === TCP) return { protocol: "tcp", port };
  if (protocol === UDP) return { protocol: "udp", port };
  return { protocol: protocol === (octets === 4 ? ICMP : ICMPV6) ? "icmp" : "other", port: 0 };
}

const [TCP, UDP, ICMP, ICMPV6] = [6, 17, 1, 58];

/** Ranges in any order, overlapping or not, as a set. */
export function portSet(ranges: readonly PortRange[]): PortSet {
  const joined: PortRange[] = [];
  for (const range of ranges.toSorted((one, other) => one.first - other.first)) {
    const before = joined.at(-1);
    if (before === undefined || range.first > before.last + 1) joined.push(range);
    else if (range.last > before.last) joined[joined.length - 1] = { first: before.first, last: range.last };
  }
  return joined;
}

export function holdsFlow(flows: FlowSet, { protocol, port }: FlowKind): boolean {
  return flows[protocol].some(({ first, last }) => first <= port && port <= last);
}

export function unionOf(one: FlowSet, other: FlowSet): FlowSet {
  return combined(one, other, (some, more) => portSet([...some, ...more]));
}

export function commonOf(one: FlowSet, other: FlowSet): FlowSet {
  return combined(one, other, commonPorts);
}

/** What only the first set holds. */
export function minus(one: FlowSet, other: FlowSet): FlowSet {
  return combined(one, other, (some, gone) => commonPorts(some, complement(gone)));
}

export function isNone(flows: FlowSet): boolean {
  return FLOW_PROTOCOLS.every((protocol) => flows[protocol].length === 0);
}

export function isEvery(flows: FlowSet): boolean {
  return isSame(flows, EVERY_FLOW);
}

export function isSame(one: FlowSet, other: FlowSet): boolean {
  return FLOW_PROTOCOLS.every((protocol) => {
    const [some, more] = [one[protocol], other[protocol]];
    return (
      some.length === more.length &&
      some.every(({ first, last }, at) => first === more[at]?.first && last === more[at].last)
    );
  });
}

/** `443,8000-8080`; empty for no port. */
export function renderPorts(ports: PortSet): string {
  return ports.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(",");
}

function combined(one: FlowSet, other: FlowSet, combine: (one: PortSet, other: PortSet) => PortSet): FlowSet {
  return {
    tcp: combine(one.tcp, other.tcp),
    udp: combine(one.udp, other.udp),
    icmp: combine(one.icmp, other.icmp),
    other: combine(one.other, other.other),
  };
}

function commonPorts(one: PortSet, other: PortSet): PortSet {
  const found: PortRange[] = [];
  for (const here of one) {
    for (const there of other) {
      const first = Math.max(here.first, there.first);
      const last = Math.min(here.last, there.last);
      if (first <= last) found.push({ first, last });
    }
  }
  return found;
}

function complement(ports: PortSet): PortSet {
  const found: PortRange[] = [];
  let from = 0;
  for (const { first, last } of ports) {
    if (first > from) found.push({ first: from, last: first - 1 });
    from = last + 1;
  }
  if (from <= PORT_MAX) found.push({ first: from, last: PORT_MAX });
  return found;
}
