/**
 * Flows to an address that only names have given: they pass once they have shown a name, and a process reads
 * it off packets that the kernel holds.
 *
 *     reopened     a SYN on the ports of a flow that has begun, which conntrack may take for the same: held,
 *                  too
 *     by_name      where the policy's address rules have said nothing: TCP becomes pending, QUIC is refused
 *                  by its shape, other UDP passes
 *     pending      packets without data pass; others are held, and dropped if nobody listens
 *     ask          held packets of flows of which nothing has passed; filled over netlink, since nft(8)
 *                  cannot say it on every kernel
 *     ask_begun    those of flows of which something has
 *     answered     answers of pending flows, since what was judged has to be acknowledged
 *     answer       one of them; behind a hello those without data say nothing, as what follows it has to be
 *                  seen, too
 *     ask_answers  those; they pass if nobody listens, as what a far end says opens nothing
 *
 * Where the kernel judges how a server answers a hello, `awaited-answer.ts`, `answer` asks it first.
 *
 * Chains that hold the generation are in `generation-chains.ts`: `unverified`, `unnamed`, `begin`, `go_on`,
 * `hello_answered`, `admit_...`.
 */
import { IS_BEGUN, IS_NOT_BEGUN, IS_PENDING, IS_PLAIN, IS_SHOWN, IS_VERIFIED } from "../flow-marks.ts";
import type { Chain, Rule } from "../ruleset.ts";
import type { NamesInput, RulesetInput } from "../ruleset-input.ts";
import { AWAITED_ANSWER, awaitedChains } from "./awaited-answer.ts";
import { ADMIT } from "./generation-chains.ts";
import { HAS_DATA } from "./has-data.ts";

export const ASK_CHAIN = "ask";
export const ASK_BEGUN_CHAIN = "ask_begun";
export const ASK_ANSWERS_CHAIN = "ask_answers";
export const BY_NAME = "jump by_name";
export const ANSWERED_BY_NAME = "jump admit_unnamed";
/** A connection that conntrack has forgotten continues, and shows no name any more. */
export const RESUMED_BY_NAME = "jump admit_begun";

const SETS_LABEL = "ct label set 127";

/** The first packet of a connection, and no other. */
const OPENS = "tcp flags & (fin | syn | rst | ack) == syn";
/**
 * The long header of QUIC, whatever the port: version 1, 2 and drafts, and what Google's and Facebook's own
 * servers took before. Its clients fall back to TCP (RFC 9000 section 17.2, RFC 9369). Only its first bit is
 * sure, as the second may be either (RFC 9287).
 */
const IS_QUIC =
  "@ih,0,1 1 @ih,8,32 { 1, 0x51303030-0x51303939, 0x54303530-0x54303531, 0x6b3343cf, 0x709a50c4, 0xfaceb000-0xfaceb0ff, 0xff000000-0xff0000ff }";
/**
 * Where HTTP/3 is: a long header of whatever version; with the second bit unset it may be SRTP (RFC 7983).
 * And what may be several datagrams sent in one call (UDP_SEGMENT), of which only the first can be looked at:
 * servers take no first datagram of QUIC below 1200 octets, so two have at least these.
 */
const AT_HTTP_3: readonly Rule[] = [
  { statements: "udp dport 443 @ih,0,2 3 jump refuse", comment: "QUIC in whatever version" },
  { statements: "udp dport 443 udp length >= 2408 jump refuse", comment: "may be several, and QUIC" },
];
/**
 * What conntrack could not read, or does not follow. No mark can be set for it, and a match for what stands
 * in its headers may fail for want of a header: it must not reach a rule that accepts what has no data.
 */
const NO_FLOW: Rule = {
  statements: "ct state invalid,untracked counter drop",
  comment: "of no flow that could be judged",
};
const GO_ON: Rule = {
  statements: "goto go_on",
  comment:
    "also one that conntrack has forgotten, or that its address had admitted: its beginning is not known",
};

/** Audit mode cuts no connection for want of its beginning. */
const PLAIN_IN_AUDIT: Rule = {
  statements: `${IS_PLAIN} ${ADMIT}`,
  comment: "admitted by its address, under another generation",
};

/** Part of chain `by_app`, see `scoped-rules.ts`: TCP alone, and what was never read is refused. */
export const ASK_WHAT_IS_SPOKEN: readonly Rule[] = [
  NO_FLOW,
  { statements: `${OPENS} goto begin` },
  { statements: `${IS_VERIFIED} goto admit_verified`, comment: "under another generation" },
  { statements: `${IS_PLAIN} jump refuse`, comment: "nobody has asked what it speaks" },
  { statements: `${IS_NOT_BEGUN} goto begin` },
  GO_ON,
];

/** Ahead of the rule that accepts what this generation has admitted. */
export function reopenedRules({ names }: RulesetInput): readonly Rule[] {
  if (names === undefined) return [];
  return [{ statements: `${OPENS} jump reopened`, comment: "another connection on the ports of one before" }];
}

/** Behind it. */
export function unverifiedRules({ names }: RulesetInput): readonly Rule[] {
  return names === undefined ? [] : [{ statements: "jump unverified" }];
}

/** Ahead of it among what arrives: an answer admits nothing. */
export function unnamedAnswers({ names }: RulesetInput): readonly Rule[] {
  return names === undefined ? [] : [{ statements: "jump unnamed" }];
}

/** Nothing jumps here: conntrack reserves room for a label as long as some rule mentions labels. */
const LABELS_CHAIN: Chain = { name: "labels", rules: [{ statements: SETS_LABEL }] };

export function nameChains({ names, policy }: RulesetInput): readonly Chain[] {
  return names === undefined ? [] : [...judgingChains(policy), ...heldChains(names)];
}

function judgingChains({ audits }: RulesetInput["policy"]): readonly Chain[] {
  return [
    {
      name: "reopened",
      rules: [IS_BEGUN, IS_VERIFIED].map((was) => ({ statements: `${was} goto reopening` })),
    },
    {
      name: "pending_unnamed",
      rules: [
        { statements: `${IS_QUIC} jump refuse`, comment: "also behind something else" },
        ...AT_HTTP_3,
        { statements: "accept" },
      ],
    },
    {
      name: "by_name",
      rules: [
        NO_FLOW,
        {
          statements: `meta l4proto udp ${IS_QUIC} jump refuse`,
          comment: "QUIC: its clients fall back to TCP",
        },
        ...AT_HTTP_3,
        { statements: "meta l4proto udp goto admit_unnamed", comment: "no name to see" },
        {
          statements: "ct state related meta l4proto { icmp, icmpv6 } accept",
          comment: "an error is counted to the flow that it quotes, and does not admit that",
        },
        { statements: `meta l4proto != tcp ${ADMIT}` },
        { statements: `${OPENS} goto begin` },
        { statements: `${IS_VERIFIED} goto admit_verified`, comment: "under another generation" },
        ...(audits === undefined ? [] : [PLAIN_IN_AUDIT]),
        { statements: `${IS_NOT_BEGUN} goto begin` },
        GO_ON,
      ],
    },
  ];
}

function heldChains(names: NamesInput): readonly Chain[] {
  const { refusedMark, hasLabels, judgesAnswers } = names;
  return [
    ...(hasLabels ? [LABELS_CHAIN] : []),
    {
      name: "reopening",
      rules: [
        { statements: `meta mark ${refusedMark} jump refuse`, comment: "the reader's answer" },
        {
          statements: `jump ${ASK_BEGUN_CHAIN}`,
          comment: "one made by hand would have what goes on begin anew",
        },
        { statements: "counter drop", comment: "nobody asks" },
      ],
    },
    {
      name: "pending",
      rules: [
        { statements: `meta mark ${refusedMark} jump refuse`, comment: "the reader's answer" },
        { statements: "tcp flags & urg == urg jump refuse", comment: "octets that may be read out of turn" },
        { statements: `${HAS_DATA} goto held` },
        { statements: "tcp flags & urg == 0 accept", comment: "read, and without data" },
        { statements: "counter drop", comment: "its headers could not be read" },
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
    { name: ASK_ANSWERS_CHAIN, rules: [], isFilledElsewhere: true },
    {
      name: "answer",
      rules: [
        ...(judgesAnswers ? [AWAITED_ANSWER] : []),
        { statements: `${HAS_DATA} jump ${ASK_ANSWERS_CHAIN}` },
        { statements: `${IS_SHOWN} accept`, comment: "what a server says to a hello acknowledges it, too" },
        { statements: `jump ${ASK_ANSWERS_CHAIN}` },
      ],
    },
    ...awaitedChains(names),
    {
      name: "answered",
      hook: { type: "filter", name: "input", priority: 1, policy: "accept" },
      rules: [{ statements: `ct direction reply ${IS_PENDING} tcp flags & (syn | ack) == ack goto answer` }],
    },
  ];
}
