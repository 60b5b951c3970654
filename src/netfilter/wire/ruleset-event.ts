/**
 * What the kernel tells of changed rules (group NFNLGRP_NFTABLES): one message for each object of a
 * transaction, and at its end one for the transaction itself.
 *
 *     NFT_MSG_NEWRULE, NFT_MSG_DELSETELEM, ...   nfgenmsg { family } | table | name, at a place of its own in each kind
 *     NFT_MSG_NEWGEN                             number of the transaction | process | its name
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { NFGENMSG } from "./constants.ts";
import type { Family } from "../ruleset.ts";
import { readAttributes } from "../../netlink/reader.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { nftMessage } from "./set-element.ts";
import { NLM_F_REQUEST } from "../../netlink/constants.ts";

/** The group that they come in. */
export const NFNLGRP_NFTABLES = 7;

const NFT_MSG_NEWGEN = nftMessage(15);
const NFT_MSG_GETGEN = nftMessage(16);
const GENERATION = { number: 1, process: 2, name: 3 } as const;
const TABLE_NAME = 1;

const FAMILIES: Readonly<Record<number, Family>> = { 1: "inet", 3: "arp", 5: "netdev" };

/**
 * Message types, and which attribute holds the name of what is changed; without one it is the table itself.
 */
const KINDS: Readonly<
  Record<number, { readonly kind: string; readonly done: Done; readonly name?: number }>
> = {
  [nftMessage(0)]: { kind: "table", done: "added" },
  [nftMessage(2)]: { kind: "table", done: "deleted" },
  [nftMessage(3)]: { kind: "chain", done: "added", name: 3 },
  [nftMessage(5)]: { kind: "chain", done: "deleted", name: 3 },
  [nftMessage(6)]: { kind: "rule", done: "added", name: 2 },
  [nftMessage(8)]: { kind: "rule", done: "deleted", name: 2 },
  [nftMessage(9)]: { kind: "set", done: "added", name: 2 },
  [nftMessage(11)]: { kind: "set", done: "deleted", name: 2 },
  [nftMessage(12)]: { kind: "element", done: "added", name: 2 },
  [nftMessage(14)]: { kind: "element", done: "deleted", name: 2 },
  [nftMessage(18)]: { kind: "object", done: "added", name: 2 },
  [nftMessage(20)]: { kind: "object", done: "deleted", name: 2 },
  [nftMessage(22)]: { kind: "flowtable", done: "added", name: 2 },
  [nftMessage(24)]: { kind: "flowtable", done: "deleted", name: 2 },
};

/** The kernel also says `added` of an object that was there and is changed. */
type Done = "added" | "deleted";

export interface ObjectEvent {
  readonly family: Family;
  readonly table: string;
  readonly kind: string;
  readonly done: Done;
  /** The name of what is changed: for a rule its chain's, for an element its set's; empty for the table. */
  readonly name: string;
}

/** The end of a transaction. */
export interface TransactionEvent {
  /** Each transaction of the namespace raises it by one, whoever makes it; 32 bits. */
  readonly number: number;
  /** As the machine's own process namespace numbers it. */
  readonly process: number;
  readonly processName: string;
}

/** Undefined for other messages, and for families that we have no tables in. */
export function readObjectEvent(type: number, payload: Buffer): ObjectEvent | undefined {
  const found = KINDS[type];
  const family = FAMILIES[payload[0] ?? 0];
  if (found === undefined || family === undefined) return undefined;
  let table = "";
  let name = "";
  for (const attribute of readAttributes(payload, NFGENMSG)) {
    if (attribute.type === TABLE_NAME) table = readText(attribute.value);
    if (attribute.type === found.name) name = readText(attribute.value);
  }
  return { family, table, kind: found.kind, done: found.done, name };
}

/** Undefined for other messages. */
export function readTransactionEvent(type: number, payload: Buffer): TransactionEvent | undefined {
  if (type !== NFT_MSG_NEWGEN) return undefined;
  let number = 0;
  let process = 0;
  let processName = "";
  for (const { type: attribute, value } of readAttributes(payload, NFGENMSG)) {
    if (attribute === GENERATION.name) processName = readText(value);
    else if (value.length !== 4) continue;
    else if (attribute === GENERATION.number) number = value.readUInt32BE();
    else if (attribute === GENERATION.process) process = value.readUInt32BE();
  }
  return { number, process, processName };
}

/** Asks for the number of the last transaction; the answer is a transaction event. */
export function askTransaction(writer: NetlinkWriter, sequence: number): void {
  writer.end(writer.begin(NFT_MSG_GETGEN, NLM_F_REQUEST, sequence, 0, 0));
}

function readText(value: Buffer): string {
  const end = value.indexOf(0);
  return value.toString("latin1", 0, end < 0 ? value.length : end);
}
