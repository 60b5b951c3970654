/**
 * What makes the resolver the only way to ask: port 53 is redirected to it, and the upstreams are asked by
 * nobody else.
 *
 * Ours are packets with our mark and priority, of sockets that were opened under our group. They open nothing
 * but the upstreams' ports. A socket that has been closed has no group: what the kernel still sends for it is
 * refused. Not here: what other traffic may leave.
 */
import { splitZone } from "../../policy/address.ts";
import { type Endpoint } from "../../sys/socket-address.ts";
import type { Marks, RulesetInput } from "../ruleset-input.ts";
import { ADMIT } from "./generation-chains.ts";
import { REFUSE_OPENING } from "./refuse-chain.ts";
import { fromApiPort } from "./api-port.ts";
import { isIpv4, isLocalhost, isLoopback } from "./endpoints.ts";
import { markBound } from "./intercept-chains.ts";
import type { Chain, Rule } from "../ruleset.ts";

/**
 * The conntrack marks of our own flows, and of flows that honest callers from outside have opened: above
 * every generation.
 */
export const OWN_FLOW = "0x80000000";
export const CALLER_FLOW = "0x80000001";

/** Of both versions (RFC 2710, RFC 3810): that a group is listened to, and no longer. */
export const LISTENER_REPORT = "{ mld-listener-report, mld-listener-reduction, mld2-listener-report }";

const ASK = "meta l4proto { tcp, udp } th dport 53";

/** nft(8)'s words for a mark and a priority, which it writes as two halves. */
export function matchMarks(mark: number, priority: number): string {
  return `meta mark ${hex(mark)} meta priority ${handle(priority)}`;
}

/** The words that give a packet a mark and a priority. */
export function setMarks(mark: number, priority: number): string {
  return `meta mark set ${hex(mark)} meta priority set ${handle(priority)}`;
}

/**
 * Nobody sends from an address that is not ours: neither forged answers of an upstream, nor a first packet
 * "from" a host that then seems to have called us. Before conntrack, so that such a packet makes no entry.
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
 * Neighbour discovery and what else runs the link (RFC 4861, RFC 3122, RFC 4443 section 4) is sent by the
 * kernel, of no process's socket. A workload's own would have neighbours send it what is for others, hand
 * routers what no rule judges, or be taken for a router's by this very machine, which hears what it sends to
 * a group. Listener reports are judged in chain reports.
 */
const NEIGHBOURS_ARE_THE_KERNELS: Rule = {
  statements: "icmpv6 type { 133-138, 141-142 } meta skuid >= 0 counter drop",
  comment: "neighbour discovery is the kernel's",
};

/**
 * What most packets of lookups show; told without asking for a route, which costs more than all other rules
 * that they meet.
 */
export const FROM_LOOPBACK: Rule = { statements: "ip saddr 127.0.0.0/8 accept" };

/**
 * Before Docker's own redirect of 127.0.0.11:53, which is at -100. That one our lookups have to take, too;
 * any other (a mesh that captures lookups) must not have them, so they are bound to where they go already.
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
      ...whenOnLinks(input, (port) => [
        {
          statements: `ip6 saddr fe80::/10 ip6 daddr fe80::/10 meta l4proto { tcp, udp } th dport 53 dnat ip6 to ip6 saddr:${port}`,
          comment: "the socket is tied to its link, and so must be whoever answers",
        },
      ]),
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
 * The head of the filter chain in both modes. What a rule of `lo` would let pass is refused before it:
 * resolvers on loopback addresses are upstreams like others.
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
    ...linkLocalRules(input, us),
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
    ...whenOnLinks(input, (port) => [
      {
        statements: `${TO_A_LINK} meta l4proto { tcp, udp } th dport ${port} fib daddr . oif type local accept`,
        comment: "on its own link: another one may have anybody there",
      },
    ]),
  ];
}

/**
 * The resolver's answers, at the head since there is one for each lookup. Anyone with CAP_NET_RAW can send
 * packets that look like them, so not where a resolver on a loopback address has to be kept from others, nor
 * to an upstream at another address of ours.
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
 * A lookup to `fe80::1%eth0` comes from a socket that the kernel has tied to eth0, and takes answers of that
 * link only. What goes to an address of our own on eth0 runs over `lo`, but counts as of eth0 (RFC 4007
 * section 6; `ip6_rcv_core`): so the lookup is sent back to where it came from, and a listener at every
 * address answers it. Nobody else may ask there.
 */
function whenOnLinks(
  { linkResolverPort }: RulesetInput,
  rules: (port: number) => readonly Rule[],
): readonly Rule[] {
  return linkResolverPort === undefined ? [] : rules(linkResolverPort);
}

/** A lookup to a link-local address, after the redirect. */
const TO_A_LINK = "ct direction original ct status dnat ct original ip6 daddr fe80::/10";

/** Of chain forged: to the kernel a link-local address is not local on `lo`. */
export function linkLookupRules(input: RulesetInput): readonly Rule[] {
  return whenOnLinks(input, (port) => [
    { statements: `${TO_A_LINK} meta l4proto { tcp, udp } th dport ${port} accept` },
  ]);
}

/**
 * The resolver listens at every address for lookups to link-local ones, which come by `lo`. Part of chain
 * antispoof in both modes.
 */
export function linkListenerRules(input: RulesetInput): readonly Rule[] {
  return whenOnLinks(input, (port) => [
    {
      statements: `meta nfproto ipv6 meta l4proto { tcp, udp } th dport ${port} counter drop`,
      comment: "the resolver is asked from inside only",
    },
  ]);
}

/**
 * ICMP errors end connections that are not established yet, ours to the webhook among them. An honest one
 * comes from outside, or is the kernel's own. One that quotes no flow is dropped on arrival, see chain
 * loopback.
 */
const ERRORS_ARE_THE_KERNELS: Rule = {
  statements: 'oif "lo" ct state related meta skuid >= 0 counter drop',
  comment: "an error made by hand, about somebody's flow",
};

/**
 * NAT is decided on a flow's first packet: one that conntrack takes for a flow of ours has passed the
 * redirect. Before established flows.
 */
export const LEFT_OVER: Rule = {
  statements: `meta l4proto { tcp, udp } th dport 53 ${REFUSE_OPENING}`,
  comment: "left-over flows of our own lookups",
};

/** nft(8)'s words for packets of our own sockets. */
export function ours({ mark, priority, group }: Marks): string {
  const marks = matchMarks(mark, priority);
  return group === undefined ? marks : `${marks} meta skgid ${group}`;
}

/**
 * Docker's resolver is asked at 127.0.0.11:53 and listens on another port: its own redirect comes after ours
 * and before the filter, which therefore sees that port. Conntrack remembers what was asked for.
 */
function asBeforeNat(match: string, { address, port }: Endpoint, verdict: string): readonly Rule[] {
  if (!isLoopback(address) || !isIpv4(address)) return [];
  return ["udp", "tcp"].map((protocol) => ({
    statements:
      `${match} meta l4proto ${protocol} ct original ip daddr ${address} ct original proto-dst ${port} ${verdict}`.trim(),
  }));
}

/** A link-local upstream is asked on its own links only: the same address may be anybody's on another one. */
function linkLocalRules({ upstreams }: RulesetInput, us: string): readonly Rule[] {
  const links = new Map<string, Set<string>>();
  for (const upstream of upstreams) {
    const { address, zone } = splitZone(upstream.address);
    if (zone === undefined) continue;
    // A number is fixed to the socket, too, and has no name here.
    if (/^\d+$/.test(zone)) continue;
    links.set(address, (links.get(address) ?? new Set()).add(`"${zone}"`));
  }
  return Array.from(links, ([address, names]) => ({
    statements: `${us} ip6 daddr ${address} oifname != { ${[...names].join(", ")} } counter reject`,
    comment: "a link-local upstream is on its own link",
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
 * All ports of a loopback resolver, as its real one is not known; of localhost only the upstream's own, as
 * the workload's servers are there.
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

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}

function handle(priority: number): string {
  return `${(priority >>> 16).toString(16)}:${(priority & 0xffff).toString(16)}`;
}
