/**
 * The rules that hold the generation, as nft(8) encodes them. A register is four octets; a mark is in host
 * order.
 *
 *     ct mark set N accept                     immediate reg 1 N | ct set mark reg 1 | immediate verdict accept
 *     ct mark N goto CHAIN                     ct load mark reg 1 | cmp reg 1 == N | immediate verdict goto CHAIN
 *     ct state established ct mark N accept    ct load state reg 1 | bitwise reg 1 & 2 | cmp reg 1 != 0 |
 *                                              ct load mark reg 1 | cmp reg 1 == N | immediate verdict accept
 *
 * Source: linux/netfilter/nf_tables.h.
 */
import { CT, CT_KEY } from "./constants.ts";
import {
  accept,
  appendRule,
  type ChainName,
  compare,
  expression,
  goTo,
  hostOrder,
  load,
  loadCt,
  OPERATOR,
  REGISTER,
  value,
  writeChain,
} from "./expressions.ts";
import type { NetlinkWriter } from "../../netlink/writer.ts";
import type { GenerationRule } from "../ruleset.ts";
import { NFPROTO_INET, nftMessage } from "./set-element.ts";
import { NLM_F_ACK, NLM_F_REQUEST } from "../../netlink/constants.ts";

const NFT_MSG_DELRULE = nftMessage(8);

const BITWISE = { source: 1, destination: 2, length: 3, mask: 4, xor: 5 } as const;
const STATE_ESTABLISHED = 2;

/** Empties the chain. */
export function flushChain(writer: NetlinkWriter, sequence: number, chain: ChainName): void {
  const message = writer.begin(NFT_MSG_DELRULE, NLM_F_REQUEST | NLM_F_ACK, sequence, NFPROTO_INET, 0);
  writeChain(writer, chain);
  writer.end(message);
}

export function appendGenerationRule(
  writer: NetlinkWriter,
  sequence: number,
  chain: ChainName,
  { kind, mark, verdict }: GenerationRule,
): void {
  const expressions = (): void => {
    if (kind === "set") setMark(writer, mark);
    else {
      if (kind === "established") matchEstablished(writer);
      loadCt(writer, CT_KEY.mark);
      compare(writer, hostOrder(mark));
    }
    if (verdict === "accept") accept(writer);
    else goTo(writer, verdict);
  };
  appendRule(writer, sequence, chain, { expressions });
}

function setMark(writer: NetlinkWriter, mark: number): void {
  load(writer, hostOrder(mark));
  expression(writer, "ct", () => {
    writer.number32(CT.key, CT_KEY.mark);
    writer.number32(CT.source, REGISTER);
  });
}

function matchEstablished(writer: NetlinkWriter): void {
  loadCt(writer, CT_KEY.state);
  expression(writer, "bitwise", () => {
    writer.number32(BITWISE.source, REGISTER);
    writer.number32(BITWISE.destination, REGISTER);
    writer.number32(BITWISE.length, 4);
    value(writer, BITWISE.mask, hostOrder(STATE_ESTABLISHED));
    value(writer, BITWISE.xor, hostOrder(0));
  });
  compare(writer, hostOrder(0), OPERATOR.notEqual);
}
