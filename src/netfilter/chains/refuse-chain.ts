/**
 * Refused at once, never a hang: TCP by a reset, anything else by EPERM at the sender, which is what a drop
 * on the way out gives.
 *
 * A reset is for the process that asked. Anybody with CAP_NET_RAW can send segments that look like somebody
 * else's flow: a reset would end that flow in the far end's name, and an ICMP error would disturb it. The
 * marks of our own flows and of callers' have the highest bit. Those of the workload's have not, nor have
 * flows that were open before the first start.
 */
import type { Chain, EnforcementMode, Rule } from "../ruleset.ts";

/**
 * Other chains jump here if only a flow's first packet can be honest: later ones may be made by hand to fit a
 * flow that NAT has led elsewhere.
 */
export const REFUSE_OPENING = "jump refuse_opening";

/**
 * Attempts to open a flow are counted and reported, see `refused-chain.ts`; `dns` mode does not look at
 * connections.
 */
export function refuseChains(mode: EnforcementMode): readonly Chain[] {
  const told: readonly Rule[] = mode === "dns" ? [] : [{ statements: "ct state new jump refused" }];
  return [
    {
      name: "refuse",
      rules: [
        ...told,
        { statements: "meta l4proto tcp ct mark & 0x80000000 == 0 counter reject with tcp reset" },
        { statements: "counter drop", comment: "no reset for what may look like somebody else's flow" },
      ],
    },
    {
      name: "refuse_opening",
      rules: [
        { statements: "tcp flags & (fin | syn | rst | ack) == syn jump refuse" },
        ...told,
        { statements: "counter drop" },
      ],
    },
  ];
}
