/** Interfaces and prefixes of the network namespace, straight from the kernel: about 100 us, no process. */
import { NETLINK_ROUTE } from "../../netlink/constants.ts";
import { renderAddress, renderIpv6 } from "../../policy/address.ts";
import { openNetlinkSocket, type NetlinkSocket } from "../../sys/netlink-socket.ts";
import { linkAddresses } from "../chains/link-addresses.ts";
import type { NetworkFacts } from "../ruleset-input.ts";
import { dumpAll } from "../../netlink/dump.ts";
import { createNetlinkWriter } from "../../netlink/writer.ts";
import {
  dumpNetwork,
  mayBeAdvertised,
  type Link,
  type LinkPrefix,
  type NetworkKind,
  readAddressPrefix,
  readLink,
  readNextHops,
  readOnLinkRoute,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
} from "../../netlink/rtnetlink.ts";

const RECEIVE_OCTETS = 1 << 20;

export interface NamespaceNetwork extends NetworkFacts {
  /** The interfaces with their numbers: one that replaces another of the same name has a new number. */
  readonly links: readonly Link[];
  /** Addresses of routers, our own, and those of prefixes on the link that are no host's. */
  readonly withheld: readonly string[];
}

/** Facts of this instant: interfaces and addresses come and go. Throws SystemCallError. */
export function readNetwork(): NamespaceNetwork {
  return withSocket((socket) => {
    // Interfaces first: one that is replaced in between then shows as a change.
    const links = dumpLinks(socket);
    const addresses = dump(socket, "addresses", RTM_NEWADDR, readAddressPrefix);
    const routes = dump(socket, "routes", RTM_NEWROUTE, boundAdvertised(readRoute));
    const prefixes = [...addresses, ...routes.flatMap(({ prefix }) => prefix ?? [])];
    const onLink = prefixes.filter((prefix) => isOn(links, prefix));
    return {
      links,
      interfaces: links.map(({ name }) => name),
      onLinkV4: renderPrefixes(onLink, 4),
      onLinkV6: renderPrefixes(onLink, 16),
      ipv6: addresses.some(({ octets }) => octets.length === 16),
      withheld: renderAll([
        ...routes.flatMap(({ nextHops }) => nextHops),
        ...addresses.map(({ octets }) => octets),
        ...onLink.flatMap(({ octets, length }) => linkAddresses(octets, length)),
      ]),
    };
  });
}

/**
 * Anybody on the link can advertise prefixes without end. To the rules, those past the bound are not on the
 * link.
 */
const ADVERTISED_MAX = 1024;

interface FoundRoute {
  readonly prefix: LinkPrefix | undefined;
  readonly nextHops: readonly Buffer[];
}

/** Reads a bounded number of those that routers may have brought, and all that the machine has set. */
function boundAdvertised(read: (payload: Buffer) => FoundRoute): (payload: Buffer) => FoundRoute | undefined {
  let advertised = 0;
  return (payload) => {
    const route = read(payload);
    if (route.prefix === undefined && route.nextHops.length === 0) return undefined;
    return mayBeAdvertised(payload) && ++advertised > ADVERTISED_MAX ? undefined : route;
  };
}

function readRoute(payload: Buffer): FoundRoute {
  return { prefix: readOnLinkRoute(payload), nextHops: readNextHops(payload) };
}

/**
 * The interfaces of this instant, without `lo`. A number is never reused as long as the namespace lives.
 * Throws SystemCallError.
 */
export function readLinks(): readonly Link[] {
  return withSocket(dumpLinks);
}

/**
 * Every address of every interface, including `lo` and interfaces that are down or have no carrier. Throws
 * SystemCallError.
 */
export function readOwnAddresses(): readonly string[] {
  return withSocket((socket) =>
    renderAll(dump(socket, "addresses", RTM_NEWADDR, readAddressPrefix).map(({ octets }) => octets)),
  );
}

function withSocket<T>(use: (socket: NetlinkSocket) => T): T {
  const socket = openNetlinkSocket(NETLINK_ROUTE, { bufferOctets: RECEIVE_OCTETS });
  try {
    return use(socket);
  } finally {
    socket.close();
  }
}

function dumpLinks(socket: NetlinkSocket): readonly Link[] {
  return dump(socket, "links", RTM_NEWLINK, readLink).filter(({ name }) => name !== "lo");
}

function dump<T>(
  socket: NetlinkSocket,
  kind: NetworkKind,
  wanted: number,
  read: (payload: Buffer) => T | undefined,
): T[] {
  const writer = createNetlinkWriter(64);
  dumpNetwork(writer, 1, kind);
  return dumpAll(socket, writer.written(), { what: kind, wanted }, read);
}

function isOn(links: readonly Link[], { interfaceIndex }: LinkPrefix): boolean {
  return links.some(({ index }) => index === interfaceIndex);
}

function renderPrefixes(prefixes: readonly LinkPrefix[], octets: 4 | 16): readonly string[] {
  const texts = prefixes
    .filter((prefix) => prefix.octets.length === octets)
    .map((prefix) => `${render(prefix.octets)}/${prefix.length}`);
  return [...new Set(texts)];
}

function renderAll(addresses: readonly Uint8Array[]): readonly string[] {
  return [...new Set(addresses.map(render))];
}

function render(octets: Uint8Array): string {
  return octets.length === 4 ? renderAddress(octets) : renderIpv6(octets);
}
