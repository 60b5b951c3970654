/**
 * Refused at once, never a hang: TCP by a reset, anything else by EPERM at the sender, which is what a drop
 * on the way out is.
 *
 * A reset is for the one who asked. Anyone with CAP_NET_RAW can send segments that look like somebody else's
 * flow: a reset for these would end it in the far end's name, and an ICMP error would disturb it. The marks
 * of our own flows and of callers' have the highest bit, those of the workload's have not, nor have flows
 * that were open before the first start.
 */
import type { Chain, EnforcementMode, Rule } from "../ruleset.ts";

/**
 * Jumped to where only a flow's first packet can be honest: what follows may be made by hand to fit a flow
 * that NAT has led elsewhere.
 */
export const REFUSE_OPENING = "jump refuse_opening";

/**
 * What tries to open a flow is counted and told, see `refused-chain.ts`; in `dns` mode connections are
 * nobody's business.
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
