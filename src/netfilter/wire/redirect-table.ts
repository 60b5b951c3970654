/**
 * A table that sends the API's port to others, as nft(8) encodes it:
 *
 *     table inet opensandbox_api {
 *       flags owner
 *       chain prerouting { type nat hook prerouting priority -90; policy accept;
 *         fib daddr type local tcp dport PORT dnat to :OUTSIDE }
 *       chain output { type nat hook output priority -90; ... dnat to :INSIDE }
 *       chain input { type filter hook input priority -10; policy accept;
 *         iif "lo" tcp dport OUTSIDE reject with tcp reset }
 *     }
 *
 * So the kernel says who calls from inside: whatever reaches OUTSIDE came in by an interface that is not `lo`.
 *
 * The kernel removes a table with an owner when the socket that has made it is closed, so no redirect outlives its process (Linux 5.12).
 * Behind others' redirects, which are at -100: a mesh that takes calls for its proxy has them first, as ever, and the proxy's own calls
 * are redirected.
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { API_TABLE } from "../kernel-names.ts";
import { appendRule, compare, expression, hostOrder, load, nested, REGISTER } from "./expressions.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET, nftMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "./set-element.ts";

export interface Redirect {
  /** Where callers find the API. */
  readonly port: number;
  /** Where it listens to callers from outside. */
  readonly outsidePort: number;
  /** Where it listens to callers of this network namespace. */
  readonly insidePort: number;
  /** The called address; of a whole family, or of both, where it is not given. */
  readonly family?: 4 | 6;
  /** Of 4 or 16 octets, as `family` says. */
  readonly address?: Uint8Array;
}

const NFT_MSG_NEWTABLE = nftMessage(0);
const NFT_MSG_DELTABLE = nftMessage(2);
const NFT_MSG_NEWCHAIN = nftMessage(3);

const TABLE = { name: 1, flags: 2 } as const;
const TABLE_OWNER = 2;
const CHAIN = { table: 1, name: 3, hook: 4, policy: 5, type: 7 } as const;
const HOOK = { number: 1, priority: 2 } as const;
const HOOKS = { prerouting: 0, input: 1, output: 3 } as const;
const NF_ACCEPT = 1;

const FIB = { destination: 1, result: 2, flags: 3 } as const;
const FIB_ADDRESS_TYPE = 3;
const FIB_DESTINATION = 2;
const RTN_LOCAL = 2;
const META = { destination: 1, key: 2 } as const;
const META_KEY = { iif: 4, nfproto: 15, l4proto: 16 } as const;
/** Of `lo`, in each network namespace. */
const LOOPBACK_INDEX = 1;
const NFPROTO = { 4: 2, 6: 10 } as const;
const TCP = 6;
const PAYLOAD = { destination: 1, base: 2, offset: 3, length: 4 } as const;
const BASE = { network: 1, transport: 2 } as const;
const DESTINATION_OFFSET = { 4: 16, 6: 24 } as const;
const NAT = { type: 1, family: 2, portRegister: 5 } as const;
const DNAT = 1;
const REJECT = { type: 1 } as const;
const TCP_RESET = 1;

/** Writes the table anew, one left by an earlier process taken away; `next` gives the sequence numbers. */
export function writeRedirectTable(
  writer: NetlinkWriter,
  next: () => number,
  redirect: Redirect,
  isOwned: boolean,
): void {
  // Deleting what is not there would fail the batch.
  writeTable(writer, NFT_MSG_NEWTABLE, next(), 0);
  writeTable(writer, NFT_MSG_DELTABLE, next(), undefined);
  writeTable(writer, NFT_MSG_NEWTABLE, next(), isOwned ? TABLE_OWNER : 0);
  for (const { chain, rule } of chainsOf(redirect)) {
    writeChain(writer, next(), chain);
    appendRule(
      writer,
      next(),
      { table: API_TABLE, chain: chain.hook },
      { expressions: () => rule(writer, redirect) },
    );
  }
}

interface ApiChain {
  readonly hook: keyof typeof HOOKS;
  readonly type: "nat" | "filter";
  readonly priority: number;
}

interface ChainOfOneRule {
  readonly chain: ApiChain;
  readonly rule: (writer: NetlinkWriter, redirect: Redirect) => void;
}

function chainsOf({ outsidePort, insidePort }: Redirect): readonly ChainOfOneRule[] {
  const nat = { type: "nat", priority: -90 } as const;
  return [
    {
      chain: { hook: "prerouting", ...nat },
      rule: (writer, redirect) => redirectTo(writer, redirect, outsidePort),
    },
    {
      chain: { hook: "output", ...nat },
      rule: (writer, redirect) => redirectTo(writer, redirect, insidePort),
    },
    { chain: { hook: "input", type: "filter", priority: -10 }, rule: refuseFromInside },
  ];
}

/** Deletes the table; the kernel refuses it where there is none, or where a live process owns it. */
export function deleteRedirectTable(writer: NetlinkWriter, sequence: number): void {
  writeTable(writer, NFT_MSG_DELTABLE, sequence, undefined);
}

function writeTable(writer: NetlinkWriter, type: number, sequence: number, flags: number | undefined): void {
  const create = type === NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0;
  const message = writer.begin(type, NLM_F_REQUEST | NLM_F_ACK | create, sequence, NFPROTO_INET, 0);
  writer.text(TABLE.name, API_TABLE);
  if (flags !== undefined) writer.number32(TABLE.flags, flags);
  writer.end(message);
}

function writeChain(writer: NetlinkWriter, sequence: number, { hook, type, priority }: ApiChain): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  const message = writer.begin(NFT_MSG_NEWCHAIN, flags, sequence, NFPROTO_INET, 0);
  writer.text(CHAIN.table, API_TABLE);
  writer.text(CHAIN.name, hook);
  nested(writer, CHAIN.hook, () => {
    writer.number32(HOOK.number, HOOKS[hook]);
    writer.number32(HOOK.priority, priority);
  });
  writer.number32(CHAIN.policy, NF_ACCEPT);
  writer.text(CHAIN.type, type);
  writer.end(message);
}

function redirectTo(writer: NetlinkWriter, { port, family, address }: Redirect, to: number): void {
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
  matchTcpDestination(writer, port);
  load(writer, portOctets(to));
  // The address stays as it was called: who asks for the peer's and our own is told the truth.
  expression(writer, "nat", () => {
    writer.number32(NAT.type, DNAT);
    writer.number32(NAT.family, NFPROTO_INET);
    writer.number32(NAT.portRegister, REGISTER);
  });
}

/** The port is no secret, as /proc/net/tcp lists it. Resets go to an address of ours: nobody else's are let in on `lo`. */
function refuseFromInside(writer: NetlinkWriter, { outsidePort }: Redirect): void {
  matchMeta(writer, META_KEY.iif, hostOrder(LOOPBACK_INDEX));
  matchTcpDestination(writer, outsidePort);
  expression(writer, "reject", () => writer.number32(REJECT.type, TCP_RESET));
}

function matchTcpDestination(writer: NetlinkWriter, port: number): void {
  matchMeta(writer, META_KEY.l4proto, Uint8Array.of(TCP));
  matchPayload(writer, BASE.transport, 2, portOctets(port));
}

function matchMeta(writer: NetlinkWriter, key: number, wanted: Uint8Array): void {
  expression(writer, "meta", () => {
    writer.number32(META.key, key);
    writer.number32(META.destination, REGISTER);
  });
  compare(writer, wanted);
}

function matchPayload(writer: NetlinkWriter, base: number, offset: number, wanted: Uint8Array): void {
  expression(writer, "payload", () => {
    writer.number32(PAYLOAD.destination, REGISTER);
    writer.number32(PAYLOAD.base, base);
    writer.number32(PAYLOAD.offset, offset);
    writer.number32(PAYLOAD.length, wanted.length);
  });
  compare(writer, wanted);
}

function portOctets(port: number): Uint8Array {
  return Uint8Array.of(port >>> 8, port & 0xff);
}
