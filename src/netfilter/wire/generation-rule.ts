/**
 * The two rules that hold the generation, as nft(8) encodes them. A register is four octets; a mark is in host order.
 *
 *     ct mark set N accept                     immediate reg 1 N | ct set mark reg 1 | immediate verdict accept
 *     ct state established ct mark N accept    ct load state reg 1 | bitwise reg 1 & 2 | cmp reg 1 != 0 |
 *                                              ct load mark reg 1 | cmp reg 1 == N | immediate verdict accept
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import type { NetlinkWriter } from "./netlink-writer.ts";
import { NFPROTO_INET, nftMessage, NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "./set-element.ts";

const NFT_MSG_NEWRULE = nftMessage(6);
const NFT_MSG_DELRULE = nftMessage(8);
const NLM_F_APPEND = 0x800;

const RULE = { table: 1, chain: 2, expressions: 4 } as const;
const LIST_ELEM = 1;
const EXPR = { name: 1, data: 2 } as const;
const DATA = { value: 1, verdict: 2 } as const;
const VERDICT_CODE = 1;
const NF_ACCEPT = 1;
const IMMEDIATE = { register: 1, data: 2 } as const;
const CT = { destination: 1, key: 2, source: 4 } as const;
const CT_KEY = { state: 0, mark: 3 } as const;
const BITWISE = { source: 1, destination: 2, length: 3, mask: 4, xor: 5 } as const;
const COMPARE = { source: 1, operator: 2, data: 3 } as const;
const OPERATOR = { equal: 0, notEqual: 1 } as const;
const VERDICT_REGISTER = 0;
const REGISTER = 1;
const STATE_ESTABLISHED = 2;

export interface ChainName {
  readonly table: string;
  readonly chain: string;
}

/** Empties the chain. */
export function flushChain(writer: NetlinkWriter, sequence: number, chain: ChainName): void {
  const message = writer.begin(NFT_MSG_DELRULE, NLM_F_REQUEST | NLM_F_ACK, sequence, NFPROTO_INET, 0);
  writeChain(writer, chain);
  writer.end(message);
}

/** Appends `ct mark set N accept`. */
export function appendAdmit(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  generation: number,
): void {
  appendRule(writer, sequence, chain, () => {
    expression(writer, "immediate", () => {
      writer.number32(IMMEDIATE.register, REGISTER);
      value(writer, IMMEDIATE.data, generation);
    });
    expression(writer, "ct", () => {
      writer.number32(CT.key, CT_KEY.mark);
      writer.number32(CT.source, REGISTER);
    });
    accept(writer);
  });
}

/** Appends `ct state established ct mark N accept`. */
export function appendCurrent(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  generation: number,
): void {
  appendRule(writer, sequence, chain, () => {
    loadCt(writer, CT_KEY.state);
    expression(writer, "bitwise", () => {
      writer.number32(BITWISE.source, REGISTER);
      writer.number32(BITWISE.destination, REGISTER);
      writer.number32(BITWISE.length, 4);
      value(writer, BITWISE.mask, STATE_ESTABLISHED);
      value(writer, BITWISE.xor, 0);
    });
    compare(writer, OPERATOR.notEqual, 0);
    loadCt(writer, CT_KEY.mark);
    compare(writer, OPERATOR.equal, generation);
    accept(writer);
  });
}

function appendRule(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  expressions: () => void,
): void {
  const flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE | NLM_F_APPEND;
  const message = writer.begin(NFT_MSG_NEWRULE, flags, sequence, NFPROTO_INET, 0);
  writeChain(writer, chain);
  nested(writer, RULE.expressions, expressions);
  writer.end(message);
}

function writeChain(writer: NetlinkWriter, { table, chain }: ChainName): void {
  writer.text(RULE.table, table);
  writer.text(RULE.chain, chain);
}

function expression(writer: NetlinkWriter, name: string, data: () => void): void {
  nested(writer, LIST_ELEM, () => {
    writer.text(EXPR.name, name);
    nested(writer, EXPR.data, data);
  });
}

function loadCt(writer: NetlinkWriter, key: number): void {
  expression(writer, "ct", () => {
    writer.number32(CT.key, key);
    writer.number32(CT.destination, REGISTER);
  });
}

function compare(writer: NetlinkWriter, operator: number, wanted: number): void {
  expression(writer, "cmp", () => {
    writer.number32(COMPARE.source, REGISTER);
    writer.number32(COMPARE.operator, operator);
    value(writer, COMPARE.data, wanted);
  });
}

function accept(writer: NetlinkWriter): void {
  expression(writer, "immediate", () => {
    writer.number32(IMMEDIATE.register, VERDICT_REGISTER);
    nested(writer, IMMEDIATE.data, () => {
      nested(writer, DATA.verdict, () => writer.number32(VERDICT_CODE, NF_ACCEPT));
    });
  });
}

/** A register's value, in host order. */
function value(writer: NetlinkWriter, type: number, number: number): void {
  const octets = Buffer.alloc(4);
  octets.writeUInt32LE(number);
  nested(writer, type, () => writer.octets(DATA.value, octets));
}

function nested(writer: NetlinkWriter, type: number, content: () => void): void {
  const mark = writer.nest(type);
  content();
  writer.endNested(mark);
}
