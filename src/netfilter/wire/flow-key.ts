/**
 * Keys of type `ipv4_addr . inet_proto . inet_service`, or of IPv6, as the kernel keeps them. Each field
 * begins at a multiple of four octets:
 *
 *     address (4 or 16) | protocol, 0, 0, 0 | port (2, network order), 0, 0
 *
 * An element of a set with intervals has two such keys: the first of each field, and the last of each.
 */
import type { FlowPiece } from "../ranges/flow-pieces.ts";

const FIELD_OCTETS = 4;
const KEY_OCTETS = { 4: 12, 16: 24 } as const;

function encodeFlowKey(address: Uint8Array, protocol: number, port: number): Uint8Array {
  const key = new Uint8Array(address.length + 2 * FIELD_OCTETS);
  key.set(address, 0);
  key[address.length] = protocol;
  const at = address.length + FIELD_OCTETS;
  key[at] = port >>> 8;
  key[at + 1] = port & 0xff;
  return key;
}

/** The keys of an element for the addresses from `first` to `last`. */
export function encodeFlowRange(
  first: Uint8Array,
  last: Uint8Array,
  { protocols, ports }: FlowPiece,
): { readonly key: Uint8Array; readonly keyEnd: Uint8Array } {
  return {
    key: encodeFlowKey(first, protocols.first, ports.first),
    keyEnd: encodeFlowKey(last, protocols.last, ports.last),
  };
}

/**
 * An element for a single address of this many octets; undefined for a key of another form. Without a second
 * key the first is both.
 */
export function readFlowElement(
  octets: 4 | 16,
  key: Buffer,
  keyEnd: Buffer = key,
): { readonly address: Buffer; readonly piece: FlowPiece } | undefined {
  if (key.length !== KEY_OCTETS[octets] || keyEnd.length !== key.length) return undefined;
  const portAt = octets + FIELD_OCTETS;
  return {
    address: key.subarray(0, octets),
    piece: {
      protocols: { first: key.readUInt8(octets), last: keyEnd.readUInt8(octets) },
      ports: { first: key.readUInt16BE(portAt), last: keyEnd.readUInt16BE(portAt) },
    },
  };
}
