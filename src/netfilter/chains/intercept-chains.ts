/**
 * TCP to an address that a bound name owns is led to the interceptor, and to nobody else: neither past it,
 * nor to who has taken its place.
 *
 *     nat_output   a new flow to such an address, on a port that is intercepted, gets a mark
 *     the redirect of what has the mark is in a table that goes with the process (`wire/intercept-table.ts`)
 *     egress       what has the mark and was redirected passes; all else to such an address and port is the interceptor's own, or is refused
 *
 * So nothing reaches a bound host while the sidecar is away, and a flow that is older than the binding is
 * reset once the generation changes. The interceptor's own connections are judged like those of the workload:
 * the mark of its sockets only spares them the redirect. UDP to the same ports is refused: HTTP/3 would go
 * past the interceptor, and its clients fall back to TCP.
 *
 * Nothing is compared for flows that are admitted already, nor for other ports.
 *
 * Where an upstream proxy carries everything, chain `carried` (`carried-chain.ts`) stands in the place of the
 * sets, and egress accepts nothing of the workload's but what goes to the interceptor.
 */
import type { Chain, NamedSet, Rule } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";
import { ADMIT } from "./generation-chains.ts";
import { admitLearnedByPort } from "./scoped-rules.ts";

/**
 * The conntrack mark of flows that go to the interceptor: above every generation, beside the marks of our own
 * flows and of callers'.
 */
export const INTERCEPTED_FLOW = 0x8000_0002;
export const INTERCEPT_CHAIN = "intercept";
/** Present if everything goes to the interceptor. */
export const CARRIED_CHAIN = "carried";
/** Sets that exist with the chain alone, and go with it. */
export const BOUND_SETS = { 4: "bound_v4", 6: "bound_v6" } as const;

const MARKED = `ct mark 0x${INTERCEPTED_FLOW.toString(16)}`;
const FAMILIES = ["ip daddr @bound_v4", "ip6 daddr @bound_v6"] as const;

export function boundSets({ intercept }: RulesetInput): readonly NamedSet[] {
  if (intercept === undefined) return [];
  return [
    { name: BOUND_SETS[4], type: "ipv4_addr" },
    { name: BOUND_SETS[6], type: "ipv6_addr" },
  ];
}

/** Part of chain nat_output, which sees the first packet of each flow. */
export function markBound({ intercept }: RulesetInput): readonly Rule[] {
  if (intercept === undefined) return [];
  if (intercept.isEverything === true) {
    return [{ statements: `meta l4proto tcp jump ${CARRIED_CHAIN}`, comment: "to the upstream proxy" }];
  }
  const ports = listPorts(intercept.ports);
  return FAMILIES.map((match) => ({ statements: `${match} tcp dport ${ports} jump ${INTERCEPT_CHAIN}` }));
}

/**
 * What is left of the workload's traffic if an upstream proxy carries everything: what CONNECT cannot carry,
 * what the policy denies, and what was open before. Our own goes to the proxy by the rules ahead of it.
 */
export const REFUSE_UNCARRIED: Rule = {
  statements: "jump around",
  comment: "nothing leaves but by the upstream proxy",
};

/** Ahead of the rule that accepts what this generation has admitted. */
export function acceptIntercepted({ intercept }: RulesetInput): readonly Rule[] {
  if (intercept === undefined) return [];
  return [
    {
      statements: `ct direction original ${MARKED} ct status dnat accept`,
      comment: "to the interceptor; a redirected packet still shows its old interface",
    },
  ];
}

/** Behind it. */
export function refuseAround({ intercept }: RulesetInput): readonly Rule[] {
  if (intercept === undefined) return [];
  const ports = listPorts(intercept.ports);
  return FAMILIES.map((match) => ({
    statements: `${match} meta l4proto { tcp, udp } th dport ${ports} jump around`,
  }));
}

/**
 * Our own connections to bound hosts show no name that the reader needs: the interceptor has read the
 * client's.
 */
export function admitInterceptor(input: RulesetInput, us: string): readonly Rule[] {
  if (input.intercept === undefined || input.names === undefined) return [];
  return [
    { statements: `${us} ip daddr @dyn_allow_v4 ${ADMIT}`, comment: "the interceptor's own" },
    { statements: `${us} ip6 daddr @dyn_allow_v6 ${ADMIT}` },
    ...admitLearnedByPort(us, input),
  ];
}

export function interceptChains({ intercept }: RulesetInput, us: string): readonly Chain[] {
  if (intercept === undefined) return [];
  const spare: Rule = { statements: `${us} return`, comment: "the interceptor's own way to the host" };
  return [
    {
      name: INTERCEPT_CHAIN,
      rules: [spare, { statements: `ct mark set 0x${INTERCEPTED_FLOW.toString(16)}` }],
    },
    {
      name: "around",
      rules: [
        spare,
        { statements: "ct state new jump refused" },
        {
          statements: "meta l4proto tcp counter reject with tcp reset",
          comment: "to a bound host, and not by the interceptor",
        },
        { statements: "counter drop" },
      ],
    },
  ];
}

function listPorts(ports: readonly number[]): string {
  return `{ ${ports.join(", ")} }`;
}
