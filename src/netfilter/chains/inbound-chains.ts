/**
 * Who may speak to us first, since answers to callers are let out, and what may still arrive of flows that we
 * opened.
 */
import { ANSWERED_BY_NAME, RESUMED_BY_NAME, unnamedAnswers } from "./name-chains.ts";
import { linkListenerRules, linkLookupRules } from "./link-local-rules.ts";
import { matchMarks } from "./own-marks.ts";
import { CALLER_FLOW, FROM_LOOPBACK } from "./own-traffic.ts";
import type { Marks, RulesetInput } from "../ruleset-input.ts";
import { REMEMBER } from "./flow-timeouts.ts";
import { ACCEPT_CURRENT, ADMIT } from "./generation-chains.ts";
import { judge, refuseRevoked } from "./egress-chain.ts";
import type { Chain, Rule } from "../ruleset.ts";

/**
 * A packet that came through the output hook brings its conntrack entry along over `lo`; one from a packet
 * socket has none yet. The rule stands before conntrack makes one.
 */
export function loopbackChain(): Chain {
  return {
    name: "loopback",
    hook: { type: "filter", name: "prerouting", priority: -350, policy: "accept" },
    rules: [
      {
        statements: 'iif "lo" ct state invalid counter drop',
        comment: "a packet socket put it on lo, past the output hook",
      },
    ],
  };
}

/**
 * An arriving packet may open a flow only if it honestly can: a SYN, ICMP, or a datagram if the setting says
 * so. The rule stands before conntrack confirms the flow, so a refused one leaves no entry.
 *
 * Only a flow's first packet makes a caller. An existing entry may be of a connection that the workload
 * opened while nobody tracked flows. Whom conntrack then takes for the caller depends on who sends next. The
 * first of our rules switches tracking on, some milliseconds before all are in force.
 */
export function antispoofChain(input: RulesetInput): Chain {
  const { inboundUdp, marks } = input;
  const callers = inboundUdp ? "tcp, udp, icmp, icmpv6" : "tcp, icmp, icmpv6";
  return {
    name: "antispoof",
    hook: { type: "filter", name: "input", priority: -300, policy: "accept" },
    rules: [
      stampedCopy(marks),
      ...oursComeByLoopback(input),
      ...deniedBy("saddr").map((match) => ({ statements: `ct state new ${match} jump denied_caller` })),
      { statements: "ip saddr @revoked_v4 ct state new jump revoked" },
      { statements: "ip6 saddr @revoked_v6 ct state new jump revoked" },
      {
        statements: "ct state new tcp flags & (fin | syn | rst | ack) != syn goto resumed",
        comment: "a flow that conntrack has forgotten, or one that never was",
      },
      {
        statements: "ct state new meta l4proto != { tcp, udp, icmp, icmpv6 } counter drop",
        comment: "no other protocol is called for",
      },
      ...(inboundUdp
        ? []
        : [
            {
              statements: "ct state new meta l4proto udp counter drop",
              comment: "a setting lets UDP from outside open flows",
            },
          ]),
      REMEMBER,
      {
        statements: `ct state new meta l4proto { ${callers} } ct mark set ${CALLER_FLOW}`,
        comment: "a caller, seen opening its flow from outside; who is older may be the far end of our own",
      },
    ],
  };
}

/**
 * A raw socket may write a host's address into a header and send it to a group. Rules then see the host, and
 * the kernel makes a copy for our own receivers, as GROUPS in `egress-chain.ts` says. Packet sockets get no
 * such copies; raw ones get none that this rule drops. The rule stands before everything that `lo` lets in. A
 * copy that was reassembled with a fragment from `lo` seems to have come by `lo` itself.
 */
function stampedCopy({ stampMark, stampPriority }: Marks): Rule {
  return {
    statements: `${matchMarks(stampMark, stampPriority)} counter drop`,
    comment: "a copy that wears the stamp would tell it",
    forGuard: true,
  };
}

/**
 * A connection in mid-stream that conntrack does not know. If it comes from where the policy lets us go, it
 * is one of ours that was silent for longer than conntrack remembers. It joins the generation in force, like
 * one that we open now. It is never a caller's, whose answers may go anywhere.
 */
export function resumedChain(input: RulesetInput): Chain {
  return {
    name: "resumed",
    rules: [
      { statements: "tcp sport 853 counter drop", comment: "what may not be opened does not go on" },
      ...blockedAnswers(input, "tcp", "counter drop"),
      ...judge("saddr", "counter drop", input, {
        learned: input.names === undefined ? ADMIT : RESUMED_BY_NAME,
        asked: input.names === undefined ? "counter drop" : RESUMED_BY_NAME,
      }),
      ...refuseRevoked("saddr", input, "counter drop"),
      input.policy.fallback.action === "allow"
        ? { statements: ADMIT }
        : { statements: "counter drop", comment: "no flow is picked up in mid-stream" },
    ],
  };
}

const OURS_COME_BY_LOOPBACK: readonly Rule[] = [
  { statements: 'iif "lo" goto forged' },
  { statements: "ct state established accept", comment: "the rest is about who comes first" },
  {
    statements: "fib saddr type local counter drop",
    comment: "from ourselves, by another way than lo: a group's copy, or sent back to us",
  },
];

/** The head of chain antispoof in both modes. */
export function oursComeByLoopback(input: RulesetInput): readonly Rule[] {
  return [...OURS_COME_BY_LOOPBACK, ...linkListenerRules(input)];
}

/** Address rules and deny.always hold for callers, too: we do not answer whom we may not reach. */
function deniedBy(side: "saddr" | "daddr"): readonly string[] {
  return ["ip v4", "ip6 v6"].flatMap((pair) => {
    const [header = "", family = ""] = pair.split(" ");
    return [`${header} ${side} @deny_host_${family}`, `${header} ${side} @deny_${family}`];
  });
}

/**
 * What happens to a caller whom an address rule denies, before and after it was let in. Neighbours pass: the
 * machine's own calls come from the gateway, which is one. Callers of the API pass as well, for a rule must
 * not lock out the operator who made it.
 */
export function callerChains({ api }: RulesetInput): readonly Chain[] {
  // Redirected, so it is not a server of the workload's that has this port on another address.
  const isApi = `meta l4proto tcp ct original proto-dst ${api.port} ct status dnat`;
  const spared = (side: "saddr" | "daddr", verdict: string): readonly Rule[] => [
    { statements: `${isApi} ${verdict}`, comment: "the API's callers" },
    { statements: `ip ${side} @onlink_v4 ${verdict}` },
    { statements: `ip6 ${side} @onlink_v6 ${verdict}` },
  ];
  return [
    {
      name: "denied_caller",
      rules: [
        ...spared("saddr", "return"),
        { statements: "counter drop", comment: "a rule denies this host" },
      ],
    },
    {
      name: "answers",
      rules: [
        {
          statements: "meta l4proto { icmp, icmpv6 } meta skuid >= 0 return",
          comment: "echoes are answered by the kernel, once each; a process's are judged like all it sends",
        },
        ...deniedBy("daddr").map((match) => ({ statements: `${match} goto denied_answer` })),
        { statements: "accept" },
      ],
    },
    {
      name: "denied_answer",
      rules: [
        ...spared("daddr", "accept"),
        { statements: "meta l4proto tcp counter reject with tcp reset", comment: "a rule denies this host" },
        { statements: "counter drop" },
      ],
    },
  ];
}

/**
 * A host that a change has denied does not come back as a caller, unless it is a neighbour, or is allowed by
 * now.
 */
export function revokedChain(): Chain {
  return {
    name: "revoked",
    rules: [
      { statements: "ip saddr @onlink_v4 return" },
      { statements: "ip6 saddr @onlink_v6 return" },
      { statements: "ip saddr @allow_host_v4 return" },
      { statements: "ip saddr @allow_v4 return" },
      { statements: "ip6 saddr @allow_host_v6 return" },
      { statements: "ip6 saddr @allow_v6 return" },
      { statements: "ip saddr @dyn_allow_v4 return" },
      { statements: "ip6 saddr @dyn_allow_v6 return" },
      { statements: "counter drop", comment: "a change has denied this host" },
    ],
  };
}

/**
 * Whatever arrives on `lo` from elsewhere was forged, except answers to redirected lookups, which look alike.
 */
export function forgedChain(input: RulesetInput): Chain {
  return {
    name: "forged",
    rules: [
      FROM_LOOPBACK,
      { statements: "fib saddr type local accept" },
      { statements: "ct direction reply ct status dnat accept", comment: "answers to redirected lookups" },
      ...linkLookupRules(input),
      { statements: "tcp flags & (syn | rst) == rst accept" },
      { statements: "counter drop" },
    ],
  };
}

/**
 * Judges flows again that only receive. Not TCP, whose acknowledgements are judged on the way out, so a reset
 * reaches the local socket. If TCP were refused here, the reset would go to the far end, and the local reader
 * would hang.
 */
export function arrivingChain(input: RulesetInput): Chain {
  return {
    name: "arriving",
    hook: { type: "filter", name: "input", priority: 0, policy: "accept" },
    rules: [
      { statements: 'iif "lo" accept' },
      { statements: `ct direction original ct mark ${CALLER_FLOW} accept` },
      { statements: "meta l4proto tcp accept" },
      {
        statements: "ct state related meta l4proto { icmp, icmpv6 } accept",
        comment: "an error is no packet of its flow, and to send one admits nothing",
      },
      {
        statements: "ip6 hoplimit 255 icmpv6 type { 133-136 } accept",
        comment: "neighbours and routers of the link: without them nothing reaches even an allowed host",
      },
      ...unnamedAnswers(input),
      ACCEPT_CURRENT,
      { statements: "ip saddr . th sport @upstream_v4 accept" },
      { statements: "ip6 saddr . th sport @upstream_v6 accept" },
      ...exemptAnswers(input),
      ...blockedAnswers(input, "udp", "jump refuse"),
      ...judge("saddr", "jump refuse", input, {
        learned: input.names === undefined ? ADMIT : ANSWERED_BY_NAME,
      }),
      ...refuseTheRest(input),
    ],
  };
}

function exemptAnswers({ exemptNameservers }: RulesetInput): readonly Rule[] {
  if (exemptNameservers.length === 0) return [];
  return [
    { statements: "ip saddr @exempt_v4 udp sport 53 accept" },
    { statements: "ip6 saddr @exempt_v6 udp sport 53 accept" },
  ];
}

function blockedAnswers(
  { doh }: RulesetInput,
  protocol: "tcp" | "udp",
  refusal: "jump refuse" | "counter drop",
): readonly Rule[] {
  if (doh === undefined) return [];
  return [
    { statements: `ip saddr @doh_v4 ${protocol} sport 443 ${refusal}` },
    { statements: `ip6 saddr @doh_v6 ${protocol} sport 443 ${refusal}` },
  ];
}

function refuseTheRest(input: RulesetInput): readonly Rule[] {
  if (input.policy.fallback.action === "allow")
    return [...refuseRevoked("saddr", input), { statements: ADMIT }];
  return [{ statements: "meta l4proto udp jump refuse" }];
}
