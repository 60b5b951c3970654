import type { Chain } from "../ruleset.ts";

/** Refused at once, never a hang: a reset for TCP, admin-prohibited for the rest. */
export function refuseChain(): Chain {
  return {
    name: "refuse",
    rules: [
      { statements: "meta l4proto tcp counter reject with tcp reset" },
      { statements: "counter reject with icmpx admin-prohibited" },
    ],
  };
}
