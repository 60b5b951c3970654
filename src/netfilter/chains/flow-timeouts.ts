/**
 * How long conntrack remembers flows. Its own times are shorter than connections may be silent: 60 s for a
 * half-closed one, which may wait for ever (RFC 9293 section 3.6), and 30 s for a datagram's answer, where
 * RFC 4787 REQ-5 recommends 5 minutes. Beyond these times see `resumed` in `inbound-chains.ts`. Given to each
 * flow with its first packet; what is in force for a flow stays with it.
 *
 * They make it no easier to fill the kernel's table: a connection that is not half-closed is remembered for 5
 * days anyway, and the kernel drops half-closed ones first where the table is 95 % full. Of datagrams' flows
 * 50 a second, so 15,500 at once, have the longer time; others the kernel's.
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
