/**
 * What makes the resolver the only way to ask: port 53 is redirected to it, and nobody else asks the
 * upstreams.
 *
 * Packets are ours if they have our mark and priority, and come from sockets that were opened under our
 * group. They open nothing but the upstreams' ports. A closed socket has no group: the rules refuse what the
 * kernel still sends for it. Not here: what other traffic may leave.
 */
import { type Endpoint } from "../../sys/socket-address.ts";
import type { RulesetInput } from "../ruleset-input.ts";
import { ADMIT } from "./generation-chains.ts";
import { REFUSE_OPENING } from "./refuse-chain.ts";
import { fromApiPort } from "./api-port.ts";
import { isIpv4, isLocalhost, isLoopback } from "./endpoints.ts";
import { markBound } from "./intercept-chains.ts";
import { linkAnswererRules, linkRedirectRules, linkUpstreamRules } from "./link-local-rules.ts";
import { ours } from "./own-marks.ts";
import type { Chain, Rule } from "../ruleset.ts";

/**
 * The conntrack marks of our own flows, and of flows that honest callers from outside have opened: above
 * every generation.
 */
export const OWN_FLOW = "0x80000000";
export const CALLER_FLOW = "0x80000001";

/** Of both versions (RFC 2710, RFC 3810): listening to a group begins, or ends. */
export const LISTENER_REPORT = "{ mld-listener-report, mld-listener-reduction, mld2-listener-report }";

const ASK = "meta l4proto { tcp, udp } th dport 53";

/**
 * Nobody sends from an address that is not ours. That would be a forged answer of an upstream, or a first
 * packet "from" a host that then seems to have called us. The rule stands before conntrack, so such a packet
 * makes no entry.
 */
export function sourceChain(): Chain {
  return {
    name: "source",
    hook: { type: "filter", name: "output", priority: -350, policy: "accept" },
    rules: [
      FROM_LOOPBACK,
      NEIGHBOURS_ARE_THE_KERNELS,
      { statements: "fib saddr type local accept" },
      {
        statements: "meta skuid >= 0 counter drop",
        comment: "forged source: what the kernel sends by itself is of no process's socket",
      },
      {
        statements: "fib daddr type local tcp flags & (syn | rst) == rst accept",
        comment: "the kernel's resets for chain refuse carry the far end's address, and go to a local one",
      },
      {
        statements: "ip6 saddr :: icmpv6 type { nd-neighbor-solicit, nd-router-solicit } accept",
      },
      {
        statements: `ip6 saddr :: icmpv6 type ${LISTENER_REPORT} accept`,
        comment: "before an address is known to be free (RFC 3590)",
      },
      { statements: "counter drop", comment: "forged source" },
    ],
  };
}

/**
 * The kernel itself sends neighbour discovery and whatever else runs the link (RFC 4861, RFC 3122, RFC 4443
 * section 4), from no process's socket. A workload's own could have neighbours send it what is for others, or
 * hand routers what no rule judges. This very machine, which receives what it sends to a group, could take it
 * for a router's. Chain reports judges listener reports.
 */
const NEIGHBOURS_ARE_THE_KERNELS: Rule = {
  statements: "icmpv6 type { 133-138, 141-142 } meta skuid >= 0 counter drop",
  comment: "neighbour discovery is the kernel's",
};

/**
 * True for most packets of lookups, and found without a route lookup, which costs more than all other rules
 * that they meet.
 */
export const FROM_LOOPBACK: Rule = { statements: "ip saddr 127.0.0.0/8 accept" };

/**
 * Before Docker's own redirect of 127.0.0.11:53, which is at -100. Our lookups must take that one. No other
 * redirect may have them (a mesh that captures lookups), so they are bound to the address that they go to
 * already.
 */
export function redirectChain(input: RulesetInput): Chain {
  const us = ours(input.marks);
  return {
    name: "nat_output",
    hook: { type: "nat", name: "output", priority: -110, policy: "accept" },
    rules: [
      { statements: `${us} ip daddr 127.0.0.0/8 ip daddr . th dport @upstream_v4 return` },
      { statements: `${us} ip daddr . th dport @upstream_v4 dnat ip to ip daddr` },
      { statements: `${us} ip6 daddr . th dport @upstream_v6 dnat ip6 to ip6 daddr` },
      ...whenExempt(input, [
        { statements: `ip daddr @exempt_v4 ${ASK} return` },
        { statements: `ip6 daddr @exempt_v6 ${ASK} return` },
      ]),
      ...linkRedirectRules(input),
      { statements: `meta l4proto { tcp, udp } th dport 53 redirect to :${input.resolverPort}` },
      ...markBound(input),
    ],
  };
}

/** In `dns` mode everything else may leave. */
export function ownChain(input: RulesetInput): Chain {
  return {
    name: "own",
    hook: { type: "filter", name: "output", priority: 0, policy: "accept" },
    rules: [...resolverRules(input), LEFT_OVER],
  };
}

/**
 * The head of the filter chain in both modes. It refuses first what a rule of `lo` would let pass: resolvers
 * on loopback addresses are upstreams like others.
 */
export function resolverRules(input: RulesetInput): readonly Rule[] {
  const us = ours(input.marks);
  const ownFlow = `ct mark set ${OWN_FLOW} accept`;
  return [
    ...answerRules(input),
    ERRORS_ARE_THE_KERNELS,
    {
      // In `dns` mode nobody judges callers, and everything may leave.
      statements:
        input.mode === "dns"
          ? "ct direction reply accept"
          : `ct direction reply ct mark ${CALLER_FLOW} jump answers`,
      comment: "answers of inbound connections; chains source and antispoof judge callers",
    },
    ...fromApiPort(input),
    ...input.upstreams.flatMap((upstream) => asBeforeNat(us, upstream, ownFlow)),
    ...linkUpstreamRules(input, us),
    {
      statements: `${us} ip daddr . th dport @upstream_v4 ${ownFlow}`,
      comment: "our lookups; never an upstream's other ports",
    },
    { statements: `${us} ip6 daddr . th dport @upstream_v6 ${ownFlow}` },
    ...ownDestinationRules(input, us),
    ...exemptRules(input),
    {
      statements: `ip daddr . th dport @upstream_v4 ${REFUSE_OPENING}`,
      comment: "nobody else asks an upstream",
    },
    { statements: `ip6 daddr . th dport @upstream_v6 ${REFUSE_OPENING}` },
    {
      statements: `ct direction original ct mark ${OWN_FLOW} meta skuid >= 0 counter drop`,
      comment: "made by hand to look like ours",
    },
    ...loopbackResolverRules(input),
    { statements: 'oif "lo" accept' },
    {
      statements: `ip daddr 127.0.0.1 meta l4proto { tcp, udp } th dport ${input.resolverPort} accept`,
      comment: "a redirected packet still shows its old interface",
    },
    { statements: `ip6 daddr ::1 meta l4proto { tcp, udp } th dport ${input.resolverPort} accept` },
    ...linkAnswererRules(input),
  ];
}

/**
 * The resolver's answers: at the head, since there is one for each lookup. Anybody with CAP_NET_RAW can send
 * packets that look like them. So the rule is absent if a resolver on a loopback address has to be kept from
 * others, and it never matches an upstream at another address of ours.
 */
function answerRules({ upstreams, exemptNameservers, resolverPort }: RulesetInput): readonly Rule[] {
  const asked = [...upstreams.map(({ address }) => address), ...exemptNameservers];
  if (asked.some(isLoopback)) return [];
  return [
    {
      statements: `oif "lo" ip saddr 127.0.0.1 udp sport ${resolverPort} ip daddr . udp dport != @upstream_v4 accept`,
      comment: "answers to lookups",
    },
    {
      statements: `oif "lo" ip6 saddr ::1 udp sport ${resolverPort} ip6 daddr . udp dport != @upstream_v6 accept`,
    },
  ];
}

/**
 * ICMP errors end connections that are not established yet, ours to the webhook among them. An honest one
 * comes from outside, or is the kernel's own. Chain loopback drops on arrival one that quotes no flow.
 */
const ERRORS_ARE_THE_KERNELS: Rule = {
  statements: 'oif "lo" ct state related meta skuid >= 0 counter drop',
  comment: "an error made by hand, about somebody's flow",
};

/**
 * NAT is decided on a flow's first packet: a flow that conntrack takes for ours has passed the redirect.
 * Before established flows.
 */
export const LEFT_OVER: Rule = {
  statements: `meta l4proto { tcp, udp } th dport 53 ${REFUSE_OPENING}`,
  comment: "left-over flows of our own lookups",
};

/**
 * Docker's resolver is asked at 127.0.0.11:53 and listens on another port. Its own redirect comes after ours
 * and before the filter, which therefore sees that port. Conntrack remembers the port that was asked.
 */
function asBeforeNat(match: string, { address, port }: Endpoint, verdict: string): readonly Rule[] {
  if (!isLoopback(address) || !isIpv4(address)) return [];
  return ["udp", "tcp"].map((protocol) => ({
    statements:
      `${match} meta l4proto ${protocol} ct original ip daddr ${address} ct original proto-dst ${port} ${verdict}`.trim(),
  }));
}

function ownDestinationRules({ ownDestinations = [] }: RulesetInput, us: string): readonly Rule[] {
  if (ownDestinations.length === 0) return [];
  const verdict = `ct mark set ${OWN_FLOW} accept`;
  return [
    { statements: `${us} ip daddr . th dport @own_v4 ${verdict}`, comment: "our events and metrics" },
    { statements: `${us} ip6 daddr . th dport @own_v6 ${verdict}` },
  ];
}

function exemptRules(input: RulesetInput): readonly Rule[] {
  const verdict = input.mode === "dns" ? "accept" : ADMIT;
  return whenExempt(input, [
    ...input.exemptNameservers.flatMap((address) => asBeforeNat("", { address, port: 53 }, verdict)),
    { statements: `ip daddr @exempt_v4 ${ASK} ${verdict}`, comment: "resolvers that anyone may ask" },
    { statements: `ip6 daddr @exempt_v6 ${ASK} ${verdict}` },
  ]);
}

/**
 * All ports of a loopback resolver, as nobody knows its real one; of localhost only the upstream's own port,
 * as the workload's servers are there.
 */
function loopbackResolverRules({ upstreams }: RulesetInput): readonly Rule[] {
  const addresses = [...new Set(upstreams.map(({ address }) => address))].filter(isResolverOnLoopback);
  if (addresses.length === 0) return [];
  return [
    {
      statements: `ip daddr { ${addresses.join(", ")} } ${REFUSE_OPENING}`,
      comment: "resolvers on loopback, on whatever port they listen",
    },
  ];
}

function whenExempt({ exemptNameservers }: RulesetInput, rules: readonly Rule[]): readonly Rule[] {
  return exemptNameservers.length === 0 ? [] : rules;
}

function isResolverOnLoopback(address: string): boolean {
  return isLoopback(address) && !isLocalhost(address);
}
