/**
 * Audit mode: connections that the policy would refuse pass, and are counted and reported like refused ones.
 * Address rules that would deny stand in sets of their own, since the sets `deny` hold what is refused in any
 * case.
 */
import { AUDITED_COUNTER, AUDITED_PREFIX } from "../kernel-names.ts";
import type { Chain, Rule } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";
import { ADMIT } from "./generation-chains.ts";
import { tellRule } from "./refused-chain.ts";

export const AUDITED_CHAIN = "audited";

/** Sets that exist in audit mode only, and go with the chain. */
export const AUDITED_SETS: readonly string[] = ["audit_host_v4", "audit_v4", "audit_host_v6", "audit_v6"];

/**
 * Asked after what is refused and before what is allowed: an address rule wins over the name that gave the
 * address.
 */
export function auditByRule({ policy }: RulesetInput): readonly Rule[] {
  if (policy.audits === undefined) return [];
  return AUDITED_SETS.map((set) => ({
    statements: `ct state new ${set.endsWith("v4") ? "ip" : "ip6"} daddr @${set} jump ${AUDITED_CHAIN}`,
  }));
}

/** What only the default action decides, if it would deny. */
export function auditByDefault({ policy }: RulesetInput): readonly Rule[] {
  if (policy.audits?.fallback.action !== "deny") return [];
  return [{ statements: `ct state new jump ${AUDITED_CHAIN}`, comment: "the default action would deny" }];
}

export function auditedChains({ policy }: RulesetInput): readonly Chain[] {
  if (policy.audits === undefined) return [];
  return [
    {
      name: AUDITED_CHAIN,
      rules: [
        { statements: `tcp flags & (fin | syn | rst | ack) != syn ${ADMIT}`, comment: "opens nothing" },
        { statements: `meta skuid >= 0 counter name "${AUDITED_COUNTER}"` },
        tellRule(AUDITED_PREFIX),
        { statements: ADMIT },
      ],
    },
  ];
}
