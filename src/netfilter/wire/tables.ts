/**
 * Tables and base chains on the wire: what `nft add table`, `nft delete table` and `nft add chain` say, in
 * the family `inet`.
 */
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "../../netlink/constants.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import {
  CHAIN_ATTRIBUTE,
  HOOK,
  NF_ACCEPT,
  NFT_MSG_DELTABLE,
  NFT_MSG_NEWCHAIN,
  NFT_MSG_NEWTABLE,
  TABLE_ATTRIBUTE,
  TABLE_OWNER,
} from "./constants.ts";
import { nested } from "./expressions.ts";
import { NFPROTO_INET } from "./set-element.ts";

const HOOKS = { prerouting: 0, input: 1, output: 3, postrouting: 4 } as const;

export interface BaseChain {
  readonly table: string;
  readonly name: string;
  readonly hook: keyof typeof HOOKS;
  readonly type: "nat" | "filter";
  readonly priority: number;
}

/**
 * An existing one stays as it is. An owned one goes with the socket that has made it (Linux 5.12; EOPNOTSUPP
 * before).
 */
export function addTable(
  writer: NetlinkWriter,
  sequence: number,
  name: string,
  ownership: "owned" | "left",
): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  const message = writer.begin(NFT_MSG_NEWTABLE, flags, sequence, NFPROTO_INET, 0);
  writer.text(TABLE_ATTRIBUTE.name, name);
  writer.number32(TABLE_ATTRIBUTE.flags, ownership === "owned" ? TABLE_OWNER : 0);
  writer.end(message);
}

/** The kernel refuses if there is none (ENOENT), or if somebody else owns it (EPERM). */
export function deleteTable(writer: NetlinkWriter, sequence: number, name: string): void {
  const message = writer.begin(NFT_MSG_DELTABLE, NLM_F_REQUEST | NLM_F_ACK, sequence, NFPROTO_INET, 0);
  writer.text(TABLE_ATTRIBUTE.name, name);
  writer.end(message);
}

/** Adds a base chain with the policy `accept`. */
export function addChain(
  writer: NetlinkWriter,
  sequence: number,
  { table, name, hook, type, priority }: BaseChain,
): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
  const message = writer.begin(NFT_MSG_NEWCHAIN, flags, sequence, NFPROTO_INET, 0);
  writer.text(CHAIN_ATTRIBUTE.table, table);
  writer.text(CHAIN_ATTRIBUTE.name, name);
  nested(writer, CHAIN_ATTRIBUTE.hook, () => {
    writer.number32(HOOK.number, HOOKS[hook]);
    writer.number32(HOOK.priority, priority);
  });
  writer.number32(CHAIN_ATTRIBUTE.policy, NF_ACCEPT);
  writer.text(CHAIN_ATTRIBUTE.type, type);
  writer.end(message);
}
