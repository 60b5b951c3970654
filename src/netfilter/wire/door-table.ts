/**
 * A table that nothing leaves through by interfaces which are not known, from their first instant, as nft(8)
 * encodes it:
 *
 *     table netdev opensandbox_door {
 *       chain closed_0 { type filter hook egress devices = { "a*", "b*", ... } priority -1; policy drop; }
 *       ...
 *     }
 *
 * It has no owner, so it outlives the process like the other rules. nft(8) that does not know such hooks
 * (1.0.6) lists the table without its chains, and never ends once one of them has a rule. So they have none.
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import {
  NFT_MSG_NEWTABLE,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  TABLE_ATTRIBUTE,
  CHAIN_ATTRIBUTE,
  HOOK,
  NF_DROP,
} from "./constants.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REQUEST } from "../../netlink/constants.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { closeOtherNames, type ClosedNames } from "../chains/closed-interfaces.ts";
import { DOOR_STAND_IN, DOOR_TABLE } from "../kernel-names.ts";
import { nested } from "./expressions.ts";

const NFPROTO_NETDEV = 5;

const DEVICE = { name: 1, prefix: 2 } as const;
const NF_NETDEV_EGRESS = 1;
/** Before the guards, at 0. */
const PRIORITY = -1;

export type DoorTable = typeof DOOR_TABLE | typeof DOOR_STAND_IN;

/**
 * Writes the table anew, in one step with the end of an earlier one: all interfaces are closed except those
 * of these names. In that step the kernel takes the old chains away before the new ones drop
 * (`nf_tables_commit` sets a new chain's policy last). So another table has to stand in.
 */
export function writeDoorTable(
  writer: NetlinkWriter,
  next: () => number,
  table: DoorTable,
  known: readonly string[],
): void {
  deleteDoorTable(writer, next, table);
  writeTable(writer, NFT_MSG_NEWTABLE, next(), table);
  writeChains(writer, next, table, known);
}

/**
 * Writes the table where neither it nor the one that stands in for it is there. Otherwise the kernel refuses
 * all of it, by EEXIST.
 */
export function createDoorTable(writer: NetlinkWriter, next: () => number, known: readonly string[]): void {
  writeTable(writer, NFT_MSG_NEWTABLE, next(), DOOR_STAND_IN, NLM_F_EXCL);
  writeTable(writer, NFT_MSG_DELTABLE, next(), DOOR_STAND_IN);
  writeTable(writer, NFT_MSG_NEWTABLE, next(), DOOR_TABLE, NLM_F_EXCL);
  writeChains(writer, next, DOOR_TABLE, known);
}

function writeChains(
  writer: NetlinkWriter,
  next: () => number,
  table: DoorTable,
  known: readonly string[],
): void {
  for (const [index, closed] of closeOtherNames(known).entries()) {
    writeChain(writer, next(), { table, name: `closed_${index}` }, closed);
  }
}

/** Removes it, whether it is there or not. */
export function deleteDoorTable(writer: NetlinkWriter, next: () => number, table: DoorTable): void {
  // Deleting what is not there would fail the batch.
  writeTable(writer, NFT_MSG_NEWTABLE, next(), table);
  writeTable(writer, NFT_MSG_DELTABLE, next(), table);
}

function writeTable(writer: NetlinkWriter, type: number, sequence: number, table: DoorTable, more = 0): void {
  const isNew = type === NFT_MSG_NEWTABLE;
  const flags = NLM_F_REQUEST | NLM_F_ACK | (isNew ? NLM_F_CREATE : 0) | more;
  const message = writer.begin(type, flags, sequence, NFPROTO_NETDEV, 0);
  writer.text(TABLE_ATTRIBUTE.name, table);
  if (isNew) writer.number32(TABLE_ATTRIBUTE.flags, 0);
  writer.end(message);
}

function writeChain(
  writer: NetlinkWriter,
  sequence: number,
  { table, name }: { readonly table: DoorTable; readonly name: string },
  closed: ClosedNames,
): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  const message = writer.begin(NFT_MSG_NEWCHAIN, flags, sequence, NFPROTO_NETDEV, 0);
  writer.text(CHAIN_ATTRIBUTE.table, table);
  writer.text(CHAIN_ATTRIBUTE.name, name);
  nested(writer, CHAIN_ATTRIBUTE.hook, () => {
    writer.number32(HOOK.number, NF_NETDEV_EGRESS);
    writer.number32(HOOK.priority, PRIORITY);
    nested(writer, HOOK.devices, () => {
      for (const prefix of closed.prefixes) writer.text(DEVICE.prefix, prefix);
      for (const whole of closed.names) writer.text(DEVICE.name, whole);
    });
  });
  writer.number32(CHAIN_ATTRIBUTE.policy, NF_DROP);
  writer.text(CHAIN_ATTRIBUTE.type, "filter");
  writer.end(message);
}
