/**
 * Set elements on the wire: what `nft add element`, `nft delete element` and `nft list set` say, for the sets
 * of learned addresses.
 *
 *     NFT_MSG_NEWSETELEM  table, set, elements { element { key { value } timeout expiration userdata } }
 *
 * Source: linux/netfilter/nf_tables.h. An element's comment is user data of type 0, at most 251 octets and a
 * zero: what nft(8) shows behind `comment`.
 */
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_REQUEST } from "../../netlink/constants.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";

const NFNL_SUBSYS_NFTABLES = 10;
export const NFPROTO_INET = 1;
const NFNL_MSG_BATCH_BEGIN = 0x10;
const NFNL_MSG_BATCH_END = 0x11;

/** The type of a message of nf_tables. */
export const nftMessage = (type: number): number => (NFNL_SUBSYS_NFTABLES << 8) | type;
export const NFT_MSG_NEWSETELEM = nftMessage(12);
const NFT_MSG_GETSETELEM = nftMessage(13);
export const NFT_MSG_DELSETELEM = nftMessage(14);
/** Linux 6.3. */
export const NFT_MSG_DESTROYSETELEM = nftMessage(30);

export const ELEM_LIST = { table: 1, set: 2, elements: 3 } as const;
export const LIST_ELEM = 1;
export const ELEM = { key: 1, flags: 3, timeout: 4, expiration: 5, userdata: 6, keyEnd: 10 } as const;
export const DATA_VALUE = 1;

/**
 * The kernel has eight bits for the size of user data with all that surrounds it. One octet more is EINVAL,
 * and two more are lost.
 */
export const MAX_COMMENT_OCTETS = 251;

/** Which set of which table of family `inet`. */
export interface SetName {
  readonly table: string;
  readonly set: string;
}

export interface TimedElement {
  /** The key as the kernel keeps it: 4 octets for ipv4_addr, 16 for ipv6_addr. */
  readonly key: Uint8Array;
  /** If the set has several fields, each a range: the last value of each. */
  readonly keyEnd?: Uint8Array;
  /** 0: the set's own. */
  readonly timeoutMs: number;
  /** ASCII, at most {@link MAX_COMMENT_OCTETS}. */
  readonly comment: string;
}

export function beginBatch(writer: NetlinkWriter, sequence: number): void {
  writer.end(writer.begin(NFNL_MSG_BATCH_BEGIN, NLM_F_REQUEST, sequence, 0, NFNL_SUBSYS_NFTABLES));
}

/**
 * Only the last message asks for an acknowledgement: if it comes, all of the batch is in force. The kernel
 * reports an error in any case. (Each acknowledgement is a datagram to write and to read.)
 */
export function endBatch(writer: NetlinkWriter, sequence: number): void {
  writer.demand(NLM_F_ACK);
  writer.end(writer.begin(NFNL_MSG_BATCH_END, NLM_F_REQUEST, sequence, 0, NFNL_SUBSYS_NFTABLES));
}

/** Adds the element; one that is there already stays as it is, timeout included. */
export function addElement(
  writer: NetlinkWriter,
  sequence: number,
  set: SetName,
  element: TimedElement,
): void {
  const message = beginElements(writer, NFT_MSG_NEWSETELEM, sequence, set);
  writeElement(writer, element);
  endElements(writer, message);
}

/** Deletes the element; the kernel refuses the whole batch (ENOENT) if it is not there. */
export function deleteElement(
  writer: NetlinkWriter,
  sequence: number,
  set: SetName,
  { key, keyEnd }: Pick<TimedElement, "key" | "keyEnd">,
): void {
  const message = beginElements(writer, NFT_MSG_DELSETELEM, sequence, set);
  writeKeyOnly(writer, key, keyEnd);
  endElements(writer, message);
}

/** Begins a message with a list of elements of the set; `endElements` with the returned mark closes both. */
export function beginElements(writer: NetlinkWriter, type: number, sequence: number, set: SetName): number {
  const flags = NLM_F_REQUEST | (type === NFT_MSG_NEWSETELEM ? NLM_F_CREATE : 0);
  const message = writer.begin(type, flags, sequence, NFPROTO_INET, 0);
  writer.text(ELEM_LIST.table, set.table);
  writer.text(ELEM_LIST.set, set.set);
  writer.nest(ELEM_LIST.elements);
  return message;
}

export function endElements(writer: NetlinkWriter, message: number): void {
  writer.endNested();
  writer.end(message);
}

export function writeElement(writer: NetlinkWriter, { key, keyEnd, timeoutMs, comment }: TimedElement): void {
  writer.nest(LIST_ELEM);
  writeKey(writer, key);
  if (keyEnd !== undefined) writeKey(writer, keyEnd, ELEM.keyEnd);
  if (timeoutMs > 0) writer.number64(ELEM.timeout, timeoutMs);
  if (comment !== "") writer.comment(ELEM.userdata, comment);
  writer.endNested();
}

/** An element that leaves the set. */
export function writeKeyOnly(writer: NetlinkWriter, key: Uint8Array, keyEnd?: Uint8Array): void {
  writer.nest(LIST_ELEM);
  writeKey(writer, key);
  if (keyEnd !== undefined) writeKey(writer, keyEnd, ELEM.keyEnd);
  writer.endNested();
}

/** Asks for every element of the set. */
export function dumpElements(writer: NetlinkWriter, sequence: number, { table, set }: SetName): void {
  const message = writer.begin(NFT_MSG_GETSETELEM, NLM_F_REQUEST | NLM_F_DUMP, sequence, NFPROTO_INET, 0);
  writer.text(ELEM_LIST.table, table);
  writer.text(ELEM_LIST.set, set);
  writer.end(message);
}

/**
 * Adds or deletes the addresses from `first` up to and without `end`. Without `end`, the last address of the
 * space is the last one; if the set holds no intervals, `first` is the only one.
 */
export function changeRange(
  writer: NetlinkWriter,
  verb: "add" | "delete",
  sequence: number,
  set: SetName,
  range: { readonly first: Uint8Array; readonly end: Uint8Array | undefined },
): void {
  const type = verb === "add" ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM;
  const message = beginElements(writer, type, sequence, set);
  writeBound(writer, range.first, 0);
  if (range.end !== undefined) writeBound(writer, range.end, INTERVAL_END);
  endElements(writer, message);
}

/** An interval is two elements: one at its beginning, one behind its end. */
const INTERVAL_END = 1;

function writeBound(writer: NetlinkWriter, key: Uint8Array, flags: number): void {
  writer.nest(LIST_ELEM);
  if (flags !== 0) writer.number32(ELEM.flags, flags);
  writeKey(writer, key);
  writer.endNested();
}

function writeKey(writer: NetlinkWriter, key: Uint8Array, attribute: number = ELEM.key): void {
  writer.nest(attribute);
  writer.octets(DATA_VALUE, key);
  writer.endNested();
}
