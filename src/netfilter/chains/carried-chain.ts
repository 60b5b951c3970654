/**
 * If an upstream proxy carries everything: which TCP flows go to the interceptor, which has the proxy
 * connect. These are the flows whose address the policy allows. All others come to the end of chain `egress`,
 * which refuses and reports them like everything denied.
 *
 * Part of the chain of NAT, which sees the first packet of each flow. The interceptor decides whether the
 * name that a flow then shows is allowed, and what a policy change means for an open flow.
 */
import type { Chain, Rule } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";
import { judge, refuseRevoked } from "./egress-chain.ts";
import { CARRIED_CHAIN, INTERCEPT_CHAIN } from "./intercept-chains.ts";
import { ours } from "./own-marks.ts";

const LEAD = `goto ${INTERCEPT_CHAIN}`;

export function carriedChains(input: RulesetInput): readonly Chain[] {
  if (input.intercept?.isEverything !== true) return [];
  return [
    {
      name: CARRIED_CHAIN,
      rules: [
        { statements: `${ours(input.marks)} return`, comment: "our own way to the proxy" },
        { statements: 'oif "lo" return' },
        ...leaveToEgress(input),
        ...judge("daddr", "return", input, { learned: LEAD, admission: LEAD }),
        ...refuseRevoked("daddr", input, "return"),
        ...(input.policy.fallback.action === "allow"
          ? [{ statements: LEAD, comment: "the default action" }]
          : []),
      ],
    },
  ];
}

/** Flows that nobody may open, whatever the policy says of the address: lookups past the resolver. */
function leaveToEgress({ doh }: RulesetInput): readonly Rule[] {
  return [
    { statements: "tcp dport 853 return", comment: "DNS over TLS" },
    { statements: "ip daddr . tcp dport @upstream_v4 return", comment: "nobody else asks an upstream" },
    { statements: "ip6 daddr . tcp dport @upstream_v6 return" },
    ...(doh === undefined
      ? []
      : [
          { statements: "ip daddr @doh_v4 tcp dport 443 return", comment: "DNS over HTTPS" },
          { statements: "ip6 daddr @doh_v6 tcp dport 443 return" },
        ]),
  ];
}
