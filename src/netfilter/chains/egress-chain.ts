/** What may leave, in `dns+nft` mode. The kernel refuses what no rule accepts. */
import type { RulesetInput } from "../ruleset-input.ts";
import { AUDITED_CHAIN, auditByDefault, auditByRule } from "./audited-chain.ts";
import { REMEMBER } from "./flow-timeouts.ts";
import { ACCEPT_CURRENT, ADMIT } from "./generation-chains.ts";
import { acceptIntercepted, admitInterceptor, refuseAround, REFUSE_UNCARRIED } from "./intercept-chains.ts";
import { BY_NAME, reopenedRules, unverifiedRules } from "./name-chains.ts";
import { ours } from "./own-marks.ts";
import { LEFT_OVER, LISTENER_REPORT, OWN_FLOW, resolverRules } from "./own-traffic.ts";
import { auditByPort, byPort, judgeByPort, judgeLearnedByPort } from "./scoped-rules.ts";
import type { Chain, Rule } from "../ruleset.ts";

export function egressChain(input: RulesetInput): Chain {
  return {
    name: "egress",
    hook: { type: "filter", name: "output", priority: 0, policy: "drop" },
    rules: [
      ...FRAGMENTS,
      ...resolverRules(input),
      ...NEIGHBOUR_DISCOVERY,
      LISTENER_REPORTS,
      LEFT_OVER,
      ...acceptIntercepted(input),
      ...(input.intercept?.isEverything === true
        ? [...CLOSED_TO_PROXY, REFUSE_UNCARRIED]
        : judgeFlows(input)),
    ],
  };
}

/**
 * What the kernel itself cuts up, it cuts behind this hook, and fragments of raw sockets are put together
 * ahead of it. One that is a fragment here was kept from that by hand: IP_NODEFRAG of IPv4, or an IPv6
 * fragment header behind another. No rule could read its flow, its port or its data.
 */
const FRAGMENTS: readonly Rule[] = [
  { statements: "ip frag-off & 0x3fff != 0 counter drop", comment: "a fragment that was not put together" },
  { statements: "exthdr frag exists counter drop" },
];

/**
 * When we close a connection to the proxy, data and acknowledgements under way belong to nobody's socket any
 * more. If the rules refused them, they would be lost, and the proxy would keep its end for minutes. Earlier
 * rules have dropped what a process makes by hand to look like them.
 */
const CLOSED_TO_PROXY: readonly Rule[] = [
  {
    statements: `ct direction original ct mark ${OWN_FLOW} ip daddr . tcp dport @own_v4 accept`,
    comment: "what the kernel still sends for connections that we have closed",
  },
  { statements: `ct direction original ct mark ${OWN_FLOW} ip6 daddr . tcp dport @own_v6 accept` },
];

function judgeFlows(input: RulesetInput): readonly Rule[] {
  return [
    ...reopenedRules(input),
    ACCEPT_CURRENT,
    ...refuseAround(input),
    ...unverifiedRules(input),
    GROUPS,
    REMEMBER,
    ...blockRules(input),
    ...judgeAddress(input),
    ...admitInterceptor(input, ours(input.marks)),
    ...admitAllowed("daddr", input.names === undefined ? ADMIT : BY_NAME),
    ...judgeLearned(
      "daddr",
      {
        learned: input.names === undefined ? ADMIT : BY_NAME,
        refusal: "jump refuse",
        audited: `ct state new jump ${AUDITED_CHAIN}`,
      },
      input,
    ),
    ...refuseRevoked("daddr", input),
    ...auditByDefault(input),
    verdictOfDefault(input),
  ];
}

/** What happens to a packet that is denied. */
type Refusal = "jump refuse" | "counter drop" | "return";

/**
 * The verdict on the far end's address: first the policy's address rules, then the addresses that lookups
 * have brought.
 */
export function judge(
  side: "saddr" | "daddr",
  refusal: Refusal,
  input: RulesetInput,
  {
    learned = ADMIT,
    admission = ADMIT,
    asked = refusal,
  }: { readonly learned?: string; readonly admission?: string; readonly asked?: string } = {},
): readonly Rule[] {
  return [
    ...judgeByPort(side, { refusal, admission, asked }, input),
    ...refuseDenied(side, refusal),
    ...admitAllowed(side, learned, admission),
    ...judgeLearned(side, { learned, refusal, audited: admission }, input),
  ];
}

/** What rules for addresses deny, or would in audit mode; and what those with a scope allow. */
function judgeAddress(input: RulesetInput): readonly Rule[] {
  if (input.policy.audits === undefined) return [...byPort(input), ...refuseDenied("daddr")];
  // What is refused even in audit mode stands first: the operator's denials, which have no scope.
  return [
    ...refuseDenied("daddr"),
    ...auditByPort(input, `jump ${AUDITED_CHAIN}`),
    ...byPort(input),
    ...auditByRule(input),
  ];
}

/** In audit mode what a name's rules do not allow is only reported. */
function judgeLearned(
  side: "saddr" | "daddr",
  verdicts: { readonly learned: string; readonly refusal: string; readonly audited: string },
  input: RulesetInput,
): readonly Rule[] {
  if (input.policy.audits === undefined) return judgeLearnedByPort(side, verdicts, input);
  return judgeLearnedByPort(side, { ...verdicts, refusal: verdicts.audited }, input);
}

function refuseDenied(side: "saddr" | "daddr", refusal: Refusal = "jump refuse"): readonly Rule[] {
  return [
    { statements: `ip ${side} @deny_host_v4 ${refusal}` },
    { statements: `ip ${side} @deny_v4 ${refusal}` },
    { statements: `ip6 ${side} @deny_host_v6 ${refusal}` },
    { statements: `ip6 ${side} @deny_v6 ${refusal}` },
  ];
}

/** `learned`: what happens to addresses that lookups have brought. */
function admitAllowed(side: "saddr" | "daddr", learned: string, admission: string = ADMIT): readonly Rule[] {
  return [
    { statements: `ip ${side} @allow_host_v4 ${admission}` },
    { statements: `ip ${side} @allow_v4 ${admission}` },
    { statements: `ip6 ${side} @allow_host_v6 ${admission}` },
    { statements: `ip6 ${side} @allow_v6 ${admission}` },
    { statements: `ip ${side} @dyn_allow_v4 ${learned}` },
    { statements: `ip6 ${side} @dyn_allow_v6 ${learned}` },
  ];
}

/**
 * If the default action allows: addresses that only names have given, and that a change has denied since. If
 * it denies, no rule is needed.
 */
export function refuseRevoked(
  side: "saddr" | "daddr",
  { policy }: RulesetInput,
  refusal: Refusal = "jump refuse",
): readonly Rule[] {
  if (policy.fallback.action === "deny") return [];
  return [
    {
      statements: `ip ${side} @revoked_v4 ${refusal}`,
      comment: "addresses of names that a change has denied",
    },
    { statements: `ip6 ${side} @revoked_v6 ${refusal}` },
  ];
}

/**
 * Only to where neighbours are, and with the hop limit that no router forwards: sent anywhere else, it would
 * carry a payload out.
 */
const NEIGHBOUR_DISCOVERY: readonly Rule[] = [
  {
    statements:
      "ip6 hoplimit 255 ip6 daddr { ff02::/16, fe80::/10 } icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit } accept",
  },
  {
    statements:
      "ip6 hoplimit 255 ip6 daddr @onlink_v6 icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept",
  },
];

/**
 * The groups that the sandbox listens to. Switches that snoop deliver neighbour solicitations only to hosts
 * that report them (RFC 4541 section 3).
 */
const LISTENER_REPORTS: Rule = {
  statements: `ip6 hoplimit 1 ip6 daddr ff02::/16 icmpv6 type ${LISTENER_REPORT} jump reports`,
};

/**
 * Lets the kernel's own reports out, which are of no process's socket; a raw socket could write anything.
 * They name up to 21 groups (RFC 3810 section 5.2). IPv4's reports take the way of GROUPS.
 */
export function reportsChain(): Chain {
  return {
    name: "reports",
    rules: [
      { statements: "meta skuid >= 0 return", comment: "a process's, judged like all it sends" },
      {
        statements: "meta length <= 480 limit rate 2/second burst 20 packets accept",
        comment: "which groups are joined, and when, would say something to who listens",
      },
    ],
  };
}

/**
 * The kernel copies what goes to an IPv4 group, or to all on the link, for our own receivers and taps. The
 * copy gets the stamp of what leaves, but never meets the guard that clears it. So it would show a workload
 * how to make raw frames pass. No flow to a group is ever established, as no host answers from such an
 * address.
 */
const GROUPS: Rule = {
  statements: "meta nfproto ipv4 fib daddr type { broadcast, multicast } jump refuse",
  comment: "a copy would come back to us with the stamp",
};

/**
 * Encrypted lookups go past the resolver. DNS over TLS and QUIC are refused always, DNS over HTTPS at
 * addresses that are known to serve it.
 */
function blockRules({ doh }: RulesetInput): readonly Rule[] {
  const overTls: Rule = {
    statements: "meta l4proto { tcp, udp } th dport 853 jump refuse",
    comment: "DNS over TLS and QUIC",
  };
  if (doh === undefined) return [overTls];
  return [
    overTls,
    {
      statements: "ip daddr @doh_v4 meta l4proto { tcp, udp } th dport 443 jump refuse",
      comment: "DNS over HTTPS",
    },
    { statements: "ip6 daddr @doh_v6 meta l4proto { tcp, udp } th dport 443 jump refuse" },
  ];
}

function verdictOfDefault({ policy }: RulesetInput): Rule {
  const statements = policy.fallback.action === "allow" ? ADMIT : "jump refuse";
  return { statements, comment: "the default action" };
}
