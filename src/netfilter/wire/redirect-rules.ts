/**
 * The rules of the API's table, as nft(8) encodes them; see `redirect-table.ts`.
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { TCP } from "./constants.ts";
import { compare, drop, expression, hostOrder, load, loadMeta, OPERATOR, REGISTER } from "./expressions.ts";
import { BASE, matchMeta, matchPayload, META_KEY, NFPROTO } from "./matches.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET } from "./set-element.ts";

export interface Redirect {
  /** Where callers find the API. */
  readonly port: number;
  /** Where it listens to callers from outside. */
  readonly outsidePort: number;
  /** Where it listens to callers of this network namespace. */
  readonly insidePort: number;
  /** The group of the sockets that listen there; undefined if they have none of their own. */
  readonly group: number | undefined;
  /** The called address; of a whole family, or of both, if it is missing. */
  readonly family?: 4 | 6;
  /** Of 4 or 16 octets, as `family` says. */
  readonly address?: Uint8Array;
}

const FIB = { destination: 1, result: 2, flags: 3 } as const;
const FIB_ADDRESS_TYPE = 3;
const FIB_DESTINATION = 2;
const RTN_LOCAL = 2;
/** Of `lo`, in each network namespace. */
const LOOPBACK_INDEX = 1;
const PORT_AT = { source: 0, destination: 2 } as const;
const DESTINATION_OFFSET = { 4: 16, 6: 24 } as const;
const NAT = { type: 1, family: 2, portRegister: 5 } as const;
const DNAT = 1;
const REJECT = { type: 1 } as const;
const TCP_RESET = 1;

/** `fib daddr type local tcp dport PORT dnat to :OTHER` */
export function redirectTo(writer: NetlinkWriter, { port, family, address }: Redirect, to: number): void {
  if (family !== undefined) matchMeta(writer, META_KEY.nfproto, Uint8Array.of(NFPROTO[family]));
  if (family !== undefined && address !== undefined) {
    matchPayload(writer, BASE.network, DESTINATION_OFFSET[family], address);
  }
  expression(writer, "fib", () => {
    writer.number32(FIB.destination, REGISTER);
    writer.number32(FIB.result, FIB_ADDRESS_TYPE);
    writer.number32(FIB.flags, FIB_DESTINATION);
  });
  compare(writer, hostOrder(RTN_LOCAL));
  matchTcpPort(writer, "destination", port);
  load(writer, portOctets(to));
  // The called address stays: a process that asks for the peer's address or our own gets the true one.
  expression(writer, "nat", () => {
    writer.number32(NAT.type, DNAT);
    writer.number32(NAT.family, NFPROTO_INET);
    writer.number32(NAT.portRegister, REGISTER);
  });
}

/**
 * `iif "lo" tcp dport OUTSIDE reject with tcp reset`. The port is no secret, as /proc/net/tcp lists it.
 * Resets go to an address of ours: nobody else's are let in on `lo`.
 */
export function refuseFromInside(writer: NetlinkWriter, outsidePort: number): void {
  matchMeta(writer, META_KEY.iif, hostOrder(LOOPBACK_INDEX));
  matchTcpPort(writer, "destination", outsidePort);
  rejectWithReset(writer);
}

/** `reject with tcp reset`, for packets of TCP. */
export function rejectWithReset(writer: NetlinkWriter): void {
  expression(writer, "reject", () => writer.number32(REJECT.type, TCP_RESET));
}

/** `tcp sport PORT meta skgid != GROUP drop` */
export function dropForged(writer: NetlinkWriter, port: number, group: number): void {
  matchTcpPort(writer, "source", port);
  dropOfOthers(writer, group);
}

/** `meta skgid != GROUP drop`, which matches nothing that the kernel sends by itself. */
export function dropOfOthers(writer: NetlinkWriter, group: number): void {
  loadMeta(writer, META_KEY.skgid);
  compare(writer, hostOrder(group), OPERATOR.notEqual);
  drop(writer);
}

/** `tcp sport PORT`, or `tcp dport PORT`. */
export function matchTcpPort(writer: NetlinkWriter, side: keyof typeof PORT_AT, port: number): void {
  matchMeta(writer, META_KEY.l4proto, Uint8Array.of(TCP));
  matchPayload(writer, BASE.transport, PORT_AT[side], portOctets(port));
}

/** As it stands in a packet. */
export function portOctets(port: number): Uint8Array {
  return Uint8Array.of(port >>> 8, port & 0xff);
}
