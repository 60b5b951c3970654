/**
 * The parts that a rule is written from, as nft(8) encodes them: expressions that load a register, compare
 * it, act on it.
 *
 * One register is enough for most rules. Its octets are as on the wire where they come from a packet; marks
 * and states are four octets in host order.
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { CT, NF_DROP, NF_ACCEPT } from "./constants.ts";
import { NLM_F_APPEND } from "../../netlink/constants.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET, nftMessage, DATA_VALUE, LIST_ELEM } from "./set-element.ts";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "../../netlink/constants.ts";

const NFT_MSG_NEWRULE = nftMessage(6);
const RULE = { table: 1, chain: 2, expressions: 4, userdata: 7 } as const;
const EXPR = { name: 1, data: 2 } as const;
const DATA_VERDICT = 2;
const VERDICT_CODE = 1;
const VERDICT_CHAIN = 2;
/** -4, as a verdict is a signed number. */
const NFT_GOTO = 0xffff_fffc;
const VERDICT_REGISTER = 0;
const COMPARE = { source: 1, operator: 2, data: 3 } as const;
const META = { destination: 1, key: 2 } as const;
const IMMEDIATE = { register: 1, data: 2 } as const;
const CT_LABELS = 13;
export const OPERATOR = { equal: 0, notEqual: 1 } as const;
export const REGISTER = 1;

export interface ChainName {
  readonly table: string;
  readonly chain: string;
}

/** Appends a rule; `comment` is what `nft list` shows. */
export function appendRule(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  { comment, expressions }: { readonly comment?: string; readonly expressions: () => void },
): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
  const message = writer.begin(NFT_MSG_NEWRULE, flags, sequence, NFPROTO_INET, 0);
  writeChain(writer, chain);
  nested(writer, RULE.expressions, expressions);
  if (comment !== undefined) writer.comment(RULE.userdata, comment);
  writer.end(message);
}

export function writeChain(writer: NetlinkWriter, { table, chain }: ChainName): void {
  writer.text(RULE.table, table);
  writer.text(RULE.chain, chain);
}

export function expression(writer: NetlinkWriter, name: string, data: () => void): void {
  nested(writer, LIST_ELEM, () => {
    writer.text(EXPR.name, name);
    nested(writer, EXPR.data, data);
  });
}

/** Continues with the rule only if the register compares so. */
export function compare(writer: NetlinkWriter, octets: Uint8Array, operator: number = OPERATOR.equal): void {
  expression(writer, "cmp", () => {
    writer.number32(COMPARE.source, REGISTER);
    writer.number32(COMPARE.operator, operator);
    value(writer, COMPARE.data, octets);
  });
}

/** Puts octets into the register. */
export function load(writer: NetlinkWriter, octets: Uint8Array): void {
  expression(writer, "immediate", () => {
    writer.number32(IMMEDIATE.register, REGISTER);
    value(writer, IMMEDIATE.data, octets);
  });
}

/** Puts a packet's metadatum, NFT_META_*, into the register. */
export function loadMeta(writer: NetlinkWriter, key: number, register: number = REGISTER): void {
  expression(writer, "meta", () => {
    writer.number32(META.key, key);
    writer.number32(META.destination, register);
  });
}

/** Puts into the register what conntrack says of a packet's flow, NFT_CT_*. */
export function loadCt(writer: NetlinkWriter, key: number, register: number = REGISTER): void {
  expression(writer, "ct", () => {
    writer.number32(CT.key, key);
    writer.number32(CT.destination, register);
  });
}

/** Gives a packet's flow the label, by its octets. */
export function setLabel(writer: NetlinkWriter, label: Uint8Array): void {
  load(writer, label);
  expression(writer, "ct", () => {
    writer.number32(CT.key, CT_LABELS);
    writer.number32(CT.source, REGISTER);
  });
}

export function accept(writer: NetlinkWriter): void {
  verdict(writer, NF_ACCEPT);
}

export function drop(writer: NetlinkWriter): void {
  verdict(writer, NF_DROP);
}

/** The rules of that chain come next, and after them those behind the jump. */
export function goTo(writer: NetlinkWriter, chain: string): void {
  verdict(writer, NFT_GOTO, chain);
}

function verdict(writer: NetlinkWriter, code: number, chain?: string): void {
  expression(writer, "immediate", () => {
    writer.number32(IMMEDIATE.register, VERDICT_REGISTER);
    nested(writer, IMMEDIATE.data, () => {
      nested(writer, DATA_VERDICT, () => {
        writer.number32(VERDICT_CODE, code);
        if (chain !== undefined) writer.text(VERDICT_CHAIN, chain);
      });
    });
  });
}

export function value(writer: NetlinkWriter, type: number, octets: Uint8Array): void {
  nested(writer, type, () => writer.octets(DATA_VALUE, octets));
}

/** Four octets in host order. */
export function hostOrder(number: number): Uint8Array {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(number);
  return octets;
}

export function nested(writer: NetlinkWriter, type: number, content: () => void): void {
  writer.nest(type);
  content();
  writer.endNested();
}
