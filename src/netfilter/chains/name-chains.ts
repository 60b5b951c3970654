/**
 * Flows to an address that only names have given: they pass once they have shown a name, and a process reads it off packets that the kernel holds.
 *
 *     by_name      where the policy's address rules have said nothing: TCP becomes pending, QUIC is refused by its shape, other UDP passes
 *     pending      packets without data pass; others are held, and dropped if nobody listens
 *     ask          held packets of flows of which nothing has passed; filled over netlink, since nft(8) cannot say it on every kernel
 *     ask_begun    those of flows of which something has
 *     answered     answers of pending flows, since what was judged has to be acknowledged
 *
 * Nothing asks for these chains yet: a process has to read the queues.
 */
import {
  begunMark,
  IS_BEGUN,
  IS_NOT_BEGUN,
  IS_PENDING,
  IS_PLAIN,
  IS_VERIFIED,
  pendingMark,
  unnamedMark,
  verifiedMark,
} from "../flow-marks.ts";
import type { Chain, Rule } from "../ruleset.ts";
import type { NamesInput, RulesetInput } from "../ruleset-input.ts";
import { ADMIT } from "./generation-chains.ts";

export const ASK_CHAIN = "ask";
export const ASK_BEGUN_CHAIN = "ask_begun";
export const BY_NAME = "jump by_name";
export const ANSWERED_BY_NAME = "jump answered_by_name";

/** The first packet of a connection, and no other. */
const OPENS = "tcp flags & (fin | syn | rst | ack) == syn";
/** The long header of QUIC, in version 1, 2 and drafts, whatever the port; its clients fall back to TCP (RFC 9000 section 17.2, RFC 9369). */
const IS_QUIC = "@ih,0,2 3 @ih,8,32 { 1, 0x6b3343cf, 0xff000000-0xff0000ff }";
/** Holds for a packet with at least one octet of data. */
const HAS_DATA = "@ih,0,8 >= 0";

/** Ahead of the rule that accepts what this generation has admitted. */
export function reopenedRules({ names }: RulesetInput): readonly Rule[] {
  if (names === undefined) return [];
  return [{ statements: `${OPENS} jump reopened`, comment: "another connection on the ports of one before" }];
}

/** Behind it. */
export function unverifiedRules({ names }: RulesetInput): readonly Rule[] {
  return names === undefined ? [] : [{ statements: "jump unverified" }];
}

/** Ahead of it among what arrives: who answers admits nothing. */
export function unnamedAnswers({ names }: RulesetInput): readonly Rule[] {
  return names === undefined ? [] : [{ statements: "jump unnamed" }];
}

export function nameChains({ names, generation }: RulesetInput): readonly Chain[] {
  if (names === undefined) return [];
  return [...chainsOfGeneration(generation), ...heldChains(names)];
}

/** The number stands in these, and in `current` and `admit`. */
function chainsOfGeneration(generation: number): readonly Chain[] {
  const pending = pendingMark(generation);
  const begun = begunMark(generation);
  const verified = verifiedMark(generation);
  const unnamed = unnamedMark(generation);
  return [
    {
      name: "reopened",
      rules: [{ statements: `ct mark { ${begun}, ${verified} } ct mark set ${pending}` }],
    },
    {
      name: "unverified",
      rules: [
        { statements: `ct mark { ${pending}, ${begun} } goto pending` },
        { statements: `ct mark ${unnamed} ${IS_QUIC} jump refuse`, comment: "also behind something else" },
        { statements: `ct mark ${unnamed} accept` },
      ],
    },
    { name: "unnamed", rules: [{ statements: `ct mark ${unnamed} accept` }] },
    { name: "answered_by_name", rules: [{ statements: `ct mark set ${unnamed} accept` }] },
    {
      name: "by_name",
      rules: [
        {
          statements: `meta l4proto udp ${IS_QUIC} jump refuse`,
          comment: "QUIC: its clients fall back to TCP",
        },
        { statements: `meta l4proto udp ct mark set ${unnamed} accept`, comment: "no name to see" },
        {
          statements: "ct state related meta l4proto { icmp, icmpv6 } accept",
          comment: "an error is counted to the flow that it quotes, and does not admit that",
        },
        { statements: `meta l4proto != tcp ${ADMIT}` },
        { statements: `${OPENS} ct mark set ${pending} goto pending` },
        { statements: `${IS_VERIFIED} ct mark set ${verified} accept`, comment: "under another generation" },
        { statements: `${IS_PLAIN} ${ADMIT}`, comment: "admitted by its address, under another generation" },
        { statements: `${IS_NOT_BEGUN} ct mark set ${pending} goto pending` },
        {
          statements: `ct mark set ${begun} goto pending`,
          comment: "also one that conntrack has forgotten: what comes now is not its beginning",
        },
      ],
    },
  ];
}

function heldChains({ refusedMark }: NamesInput): readonly Chain[] {
  return [
    {
      name: "pending",
      rules: [
        { statements: `meta mark ${refusedMark} jump refuse`, comment: "the reader's answer" },
        { statements: "tcp flags & urg == urg jump refuse", comment: "octets that may be read out of turn" },
        { statements: `${HAS_DATA} goto held` },
        { statements: "accept" },
      ],
    },
    {
      name: "held",
      rules: [
        { statements: `${IS_BEGUN} jump ${ASK_BEGUN_CHAIN}` },
        { statements: `jump ${ASK_CHAIN}` },
        { statements: "counter drop", comment: "nobody asks" },
      ],
    },
    { name: ASK_CHAIN, rules: [], isFilledElsewhere: true },
    { name: ASK_BEGUN_CHAIN, rules: [], isFilledElsewhere: true },
    {
      name: "answered",
      hook: { type: "filter", name: "input", priority: 1, policy: "accept" },
      rules: [
        { statements: `ct direction reply ${IS_PENDING} tcp flags & (syn | ack) == ack jump ${ASK_CHAIN}` },
      ],
    },
  ];
}
