/** What a rule asks of a packet, as nft(8) encodes it. Source: linux/netfilter/nf_tables.h. */
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { compare, expression, loadMeta, REGISTER } from "./expressions.ts";

export const META_KEY = { priority: 2, iif: 4, skgid: 11, nfproto: 15, l4proto: 16 } as const;
export const NFPROTO = { 4: 2, 6: 10 } as const;
export const BASE = { network: 1, transport: 2, inner: 3 } as const;
const PAYLOAD = { destination: 1, base: 2, offset: 3, length: 4 } as const;

/** `meta KEY WANTED` */
export function matchMeta(writer: NetlinkWriter, key: number, wanted: Uint8Array): void {
  loadMeta(writer, key);
  compare(writer, wanted);
}

/** `@nh`, `@th` or `@ih`, so many octets at `offset`. */
export function matchPayload(writer: NetlinkWriter, base: number, offset: number, wanted: Uint8Array): void {
  loadPayload(writer, { base, offset, octets: wanted.length }, REGISTER);
  compare(writer, wanted);
}

interface PayloadPart {
  readonly base: number;
  readonly offset: number;
  readonly octets: number;
}

/** Puts octets of a packet into the register. */
export function loadPayload(
  writer: NetlinkWriter,
  { base, offset, octets }: PayloadPart,
  register: number,
): void {
  expression(writer, "payload", () => {
    writer.number32(PAYLOAD.destination, register);
    writer.number32(PAYLOAD.base, base);
    writer.number32(PAYLOAD.offset, offset);
    writer.number32(PAYLOAD.length, octets);
  });
}
