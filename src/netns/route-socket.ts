/**
 * Interfaces, addresses, routes and routing rules of one network namespace, read and changed over rtnetlink:
 * some 100 us each, no process.
 */
import { NETLINK_ROUTE } from "../netlink/constants.ts";
import { awaitAcknowledgement } from "../netlink/acknowledgement.ts";
import { dumpAll } from "../netlink/dump.ts";
import { readReplies } from "../netlink/reader.ts";
import {
  askRoute,
  readRule,
  readSizedLink,
  readTableRoute,
  readWay,
  type RuleRecord,
  type SizedLink,
  type TableRoute,
} from "../netlink/route-table.ts";
import {
  dumpNetwork,
  type LinkPrefix,
  type NetworkKind,
  readAddressPrefix,
  RTM_NEWADDR,
  RTM_NEWLINK,
  RTM_NEWROUTE,
  RTM_NEWRULE,
} from "../netlink/rtnetlink.ts";
import { createNetlinkWriter, type NetlinkWriter } from "../netlink/writer.ts";
import { openNetlinkSocket } from "../sys/netlink-socket.ts";

/** All of it is synchronous, and throws SystemCallError if the kernel does not answer. */
export interface RouteSocket {
  links(): readonly SizedLink[];
  addresses(): readonly LinkPrefix[];
  routes(): readonly TableRoute[];
  rules(): readonly RuleRecord[];
  /**
   * The number of the interface by which a packet of this machine's to `destination` leaves; undefined if
   * none leads there.
   */
  wayTo(destination: Uint8Array): number | undefined;
  /**
   * Sends what `write` writes; `next` gives the sequence numbers. Throws NetlinkError: of several messages
   * some may be in force then.
   */
  change(write: (writer: NetlinkWriter, next: () => number) => void): void;
  close(): void;
}

const BUFFER_OCTETS = 1 << 20;

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openRouteSocket(): RouteSocket {
  const socket = openNetlinkSocket(NETLINK_ROUTE, { bufferOctets: BUFFER_OCTETS });
  let sequence = 0;
  const next = (): number => ++sequence;
  const dump = <T>(kind: NetworkKind, wanted: number, read: (payload: Buffer) => T | undefined): T[] =>
    dumpAll(
      socket,
      write((writer) => dumpNetwork(writer, next(), kind)),
      { what: kind, wanted },
      read,
    );
  return {
    links: () => dump("links", RTM_NEWLINK, readSizedLink),
    addresses: () => dump("addresses", RTM_NEWADDR, readAddressPrefix),
    routes: () => dump("routes", RTM_NEWROUTE, readTableRoute),
    rules: () => dump("rules", RTM_NEWRULE, readRule),
    wayTo(destination) {
      socket.send(write((writer) => askRoute(writer, next(), destination)));
      for (const reply of readReplies(socket.receive() ?? Buffer.alloc(0))) {
        if (reply.kind === "message" && reply.type === RTM_NEWROUTE) return readWay(reply.payload);
      }
      return undefined;
    },
    change(fill) {
      socket.send(write((writer) => fill(writer, next)));
      awaitAcknowledgement(socket.receive, sequence);
    },
    close: socket.close,
  };
}

function write(fill: (writer: NetlinkWriter) => void): Buffer {
  const writer = createNetlinkWriter(1024);
  fill(writer);
  return writer.written();
}
