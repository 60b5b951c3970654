/**
 * The two rules that hold the generation, as nft(8) encodes them. A register is four octets; a mark is in host order.
 *
 *     ct mark set N accept                     immediate reg 1 N | ct set mark reg 1 | immediate verdict accept
 *     ct state established ct mark N accept    ct load state reg 1 | bitwise reg 1 & 2 | cmp reg 1 != 0 |
 *                                              ct load mark reg 1 | cmp reg 1 == N | immediate verdict accept
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import {
  accept,
  appendRule,
  type ChainName,
  compare,
  expression,
  hostOrder,
  load,
  OPERATOR,
  REGISTER,
  value,
  writeChain,
} from "./expressions.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import { NFPROTO_INET, nftMessage } from "./set-element.ts";
import { NLM_F_ACK, NLM_F_REQUEST } from "../../netlink/constants.ts";

const NFT_MSG_DELRULE = nftMessage(8);

const CT = { destination: 1, key: 2, source: 4 } as const;
const CT_KEY = { state: 0, mark: 3 } as const;
const BITWISE = { source: 1, destination: 2, length: 3, mask: 4, xor: 5 } as const;
const STATE_ESTABLISHED = 2;

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
  const expressions = (): void => {
    load(writer, hostOrder(generation));
    expression(writer, "ct", () => {
      writer.number32(CT.key, CT_KEY.mark);
      writer.number32(CT.source, REGISTER);
    });
    accept(writer);
  };
  appendRule(writer, sequence, chain, { expressions });
}

/** Appends `ct state established ct mark N accept`. */
export function appendCurrent(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  generation: number,
): void {
  const expressions = (): void => {
    loadCt(writer, CT_KEY.state);
    expression(writer, "bitwise", () => {
      writer.number32(BITWISE.source, REGISTER);
      writer.number32(BITWISE.destination, REGISTER);
      writer.number32(BITWISE.length, 4);
      value(writer, BITWISE.mask, hostOrder(STATE_ESTABLISHED));
      value(writer, BITWISE.xor, hostOrder(0));
    });
    compare(writer, hostOrder(0), OPERATOR.notEqual);
    loadCt(writer, CT_KEY.mark);
    compare(writer, hostOrder(generation));
    accept(writer);
  };
  appendRule(writer, sequence, chain, { expressions });
}

function loadCt(writer: NetlinkWriter, key: number): void {
  expression(writer, "ct", () => {
    writer.number32(CT.key, key);
    writer.number32(CT.destination, REGISTER);
  });
}
