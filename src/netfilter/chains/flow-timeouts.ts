/**
 * How long conntrack remembers flows. Its own times are shorter than connections may be silent. It gives a
 * half-closed one 60 s, though that may wait for ever (RFC 9293 section 3.6). It gives a datagram's answer 30
 * s, where RFC 4787 REQ-5 recommends 5 minutes. Beyond these times see `resumed` in `inbound-chains.ts`. A
 * flow gets its times with its first packet, and keeps them.
 *
 * They make it no easier to fill the kernel's table. Conntrack remembers a connection that is not half-closed
 * for 5 days anyway, and drops half-closed ones first once the table is 95 % full. Of datagrams' flows 50 a
 * second, so 15,500 at once, get the longer time; the others keep the kernel's.
 */
import type { Chain, FlowTimeouts, Rule } from "../ruleset.ts";

const HALF_CLOSED_SECONDS = 3600;
/** TCP gives up after some 15 minutes without an acknowledgement (net.ipv4.tcp_retries2). */
const UNACKNOWLEDGED_SECONDS = 1200;
const DATAGRAMS_SECONDS = 300;

const FAMILIES = [
  { family: "ip", match: "ipv4" },
  { family: "ip6", match: "ipv6" },
] as const;

export const FLOW_TIMEOUTS: readonly FlowTimeouts[] = FAMILIES.flatMap(({ family }): FlowTimeouts[] => [
  {
    name: `tcp_${family}`,
    protocol: "tcp",
    family,
    seconds: {
      fin_wait: HALF_CLOSED_SECONDS,
      close_wait: HALF_CLOSED_SECONDS,
      retrans: UNACKNOWLEDGED_SECONDS,
      unack: UNACKNOWLEDGED_SECONDS,
    },
  },
  {
    name: `udp_${family}`,
    protocol: "udp",
    family,
    seconds: { unreplied: DATAGRAMS_SECONDS, replied: DATAGRAMS_SECONDS },
  },
]);

/** For a flow's first packet, before it is accepted. */
export const REMEMBER: Rule = {
  statements: "ct state new jump remember",
  comment: "conntrack's own times are shorter than connections may be silent",
};

export function rememberChain(): Chain {
  return { name: "remember", rules: [...give("tcp"), FEW_DATAGRAMS, ...give("udp")] };
}

const FEW_DATAGRAMS: Rule = {
  statements: "meta l4proto udp limit rate over 50/second burst 500 packets return",
  comment: "so many flows leave room for others",
};

function give(protocol: "tcp" | "udp"): readonly Rule[] {
  return FAMILIES.map(({ family, match }) => ({
    statements: `meta nfproto ${match} meta l4proto ${protocol} ct timeout set "${protocol}_${family}" return`,
    forTimeouts: true,
  }));
}
