/**
 * What link-local addresses need: lookups that go to one, and upstreams that have one.
 *
 * A lookup to `fe80::1%eth0` comes from a socket that the kernel has tied to eth0, and takes answers of that
 * link only. A packet to an address of our own on eth0 runs over `lo`, but counts as eth0's (RFC 4007 section
 * 6; `ip6_rcv_core`). So the rules send the lookup back to where it came from, and a listener at every
 * address answers it. Nobody else may ask there.
 */
import { splitZone } from "../../policy/address.ts";
import type { RulesetInput } from "../ruleset-input.ts";
import type { Rule } from "../ruleset.ts";

/** A lookup to a link-local address, after the redirect. */
const TO_A_LINK = "ct direction original ct status dnat ct original ip6 daddr fe80::/10";

/** Of the chain that redirects lookups. */
export function linkRedirectRules(input: RulesetInput): readonly Rule[] {
  return whenOnLinks(input, (port) => [
    {
      statements: `ip6 saddr fe80::/10 ip6 daddr fe80::/10 meta l4proto { tcp, udp } th dport 53 dnat ip6 to ip6 saddr:${port}`,
      comment: "the socket is tied to its link, and so must the answerer be",
    },
  ]);
}

/** Of the filter chain: the redirected lookup reaches the resolver. */
export function linkAnswererRules(input: RulesetInput): readonly Rule[] {
  return whenOnLinks(input, (port) => [
    {
      statements: `${TO_A_LINK} meta l4proto { tcp, udp } th dport ${port} fib daddr . oif type local accept`,
      comment: "on its own link: another one may have anybody there",
    },
  ]);
}

/** Of chain forged: to the kernel a link-local address is not local on `lo`. */
export function linkLookupRules(input: RulesetInput): readonly Rule[] {
  return whenOnLinks(input, (port) => [
    { statements: `${TO_A_LINK} meta l4proto { tcp, udp } th dport ${port} accept` },
  ]);
}

/**
 * The resolver listens at every address for lookups to link-local ones, which arrive on `lo`. Part of chain
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
 * A link-local upstream is asked on its own links only: on another link the same address may be anybody's.
 */
export function linkUpstreamRules({ upstreams }: RulesetInput, us: string): readonly Rule[] {
  const links = new Map<string, Set<string>>();
  for (const upstream of upstreams) {
    const { address, zone } = splitZone(upstream.address);
    if (zone === undefined) continue;
    // An interface's number is tied to the socket, too, and has no name here.
    if (/^\d+$/.test(zone)) continue;
    links.set(address, (links.get(address) ?? new Set()).add(`"${zone}"`));
  }
  return Array.from(links, ([address, names]) => ({
    statements: `${us} ip6 daddr ${address} oifname != { ${[...names].join(", ")} } counter reject`,
    comment: "a link-local upstream is on its own link",
  }));
}

function whenOnLinks(
  { linkResolverPort }: RulesetInput,
  rules: (port: number) => readonly Rule[],
): readonly Rule[] {
  return linkResolverPort === undefined ? [] : rules(linkResolverPort);
}
