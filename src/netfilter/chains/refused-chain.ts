/**
 * Connections that are refused on the way out: the counter has all of them, and the kernel reports some. A
 * workload can cause as many refusals as it likes, so there is a bound on those that the kernel reports.
 *
 * Known limits: a datagram or an echo is a flow of its own each time, as a refused one leaves no entry in
 * conntrack. A packet of a flow that was open before a change denied it is refused, and not counted.
 */
import { REFUSED_COUNTER, REFUSED_GROUP } from "../kernel-names.ts";
import type { Chain, Rule } from "../ruleset.ts";
import type { Marks } from "../ruleset-input.ts";
import { ours } from "./own-marks.ts";

/** Octets of a packet that are reported: the longest header of IPv4 with the ports behind it. */
const TOLD_OCTETS = 64;

/**
 * Jumped to with a flow's first packet, before it is refused. Packets of the kernel's own, of no process's
 * socket, are no connections.
 */
export function refusedChain(marks: Marks): Chain {
  return {
    name: "refused",
    rules: [
      { statements: `${ours(marks)} return`, comment: "our own, where they may not go" },
      { statements: "tcp flags & (fin | syn | rst | ack) != syn return", comment: "opens nothing" },
      { statements: `meta skuid >= 0 counter name "${REFUSED_COUNTER}"` },
      tellRule(),
    ],
  };
}

/** Hands some to the listener of the group, with the prefix that tells them apart. */
export function tellRule(prefix?: string): Rule {
  const said = prefix === undefined ? "" : ` prefix "${prefix}"`;
  return {
    statements: `meta skuid >= 0 limit rate 100/second burst 200 packets log${said} group ${REFUSED_GROUP} snaplen ${TOLD_OCTETS}`,
    comment: "the sidecar gets this many; the counter has all",
    forLog: true,
  };
}
