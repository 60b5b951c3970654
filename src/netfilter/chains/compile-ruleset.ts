/**
 * Compiles a policy and the facts of the namespace to everything that is wanted in the kernel. Pure: the same
 * input gives the same ruleset.
 *
 * The chains and their order are the result of experiments against a workload that is root with CAP_NET_RAW
 * in this very namespace. Each chain's file says what its rules are there for.
 *
 * Known limits. A workload with CAP_NET_RAW can forge the answers of a resolver on a loopback address: it
 * shares both the address and the interface with it. AF_XDP sockets pass the raw-frame guard; `src/xdp` keeps
 * anybody from opening them. Interfaces stacked on another one of the same namespace (VLAN, bond, bridge) are
 * cut off.
 */
import { LAST_GENERATION } from "../flow-marks.ts";
import { apiChain } from "./api-port.ts";
import { auditedChains } from "./audited-chain.ts";
import { helloRules } from "./awaited-answer.ts";
import { carriedChains } from "./carried-chain.ts";
import { egressChain, reportsChain } from "./egress-chain.ts";
import { FLOW_TIMEOUTS, rememberChain } from "./flow-timeouts.ts";
import { generationChains } from "./generation-chains.ts";
import {
  antispoofChain,
  arrivingChain,
  callerChains,
  forgedChain,
  loopbackChain,
  oursComeByLoopback,
  resumedChain,
  revokedChain,
} from "./inbound-chains.ts";
import { AUDITED_COUNTER, REFUSED_COUNTER, TABLE } from "../kernel-names.ts";
import { interceptChains } from "./intercept-chains.ts";
import { nameChains } from "./name-chains.ts";
import { compileChanges, compileSets } from "./named-sets.ts";
import { ours } from "./own-marks.ts";
import { ownChain, redirectChain, sourceChain } from "./own-traffic.ts";
import { canBeGuarded, guardTables, stampChain } from "./raw-frame-guard.ts";
import { scopedChains } from "./scoped-rules.ts";
import { refuseChains } from "./refuse-chain.ts";
import { refusedChain } from "./refused-chain.ts";
import type { Chain, Ruleset } from "../ruleset.ts";
import type { RulesetInput } from "../ruleset-input.ts";

/**
 * Throws TypeError on input that no caller should give: a generation or mark out of range, or a text that is
 * no address.
 */
export function compileRuleset(input: RulesetInput): Ruleset {
  requireIntegers(input);
  const devices = input.network.interfaces.filter(canBeGuarded);
  const enforcing = input.mode === "dns+nft";
  const chains = enforcing ? enforcingChains(input, devices) : resolverChains(input);
  return {
    mode: input.mode,
    generation: input.generation,
    tables: [
      {
        family: "inet",
        name: TABLE,
        sets: compileSets(input),
        ...(enforcing ? { timeouts: FLOW_TIMEOUTS, counters: countersOf(input) } : {}),
        chains,
      },
      ...(enforcing ? guardTables(input.marks, devices) : []),
    ],
    changes: compileChanges(input),
    unguarded: enforcing ? input.network.interfaces.filter((name) => !canBeGuarded(name)) : [],
  };
}

function enforcingChains(input: RulesetInput, devices: readonly string[]): readonly Chain[] {
  return [
    sourceChain(),
    redirectChain(input),
    egressChain(input),
    {
      name: "forward",
      hook: { type: "filter", name: "forward", priority: -300, policy: "drop" },
      rules: [FORWARDED],
    },
    loopbackChain(),
    antispoofChain(input),
    apiChain(input),
    arrivingChain(input),
    stampChain(input.marks, devices, helloRules(input)),
    forgedChain(input),
    revokedChain(),
    resumedChain(input),
    rememberChain(),
    ...callerChains(input),
    ...refuseChains("dns+nft"),
    refusedChain(input.marks),
    ...auditedChains(input),
    ...scopedChains(input),
    reportsChain(),
    ...nameChains(input),
    ...interceptChains(input, ours(input.marks)),
    ...carriedChains(input),
    ...generationChains(input),
  ];
}

function countersOf({ policy }: RulesetInput): readonly string[] {
  return policy.audits === undefined ? [REFUSED_COUNTER] : [REFUSED_COUNTER, AUDITED_COUNTER];
}

/** In `dns` mode: the redirect, and the rules that keep our own traffic ours. */
function resolverChains(input: RulesetInput): readonly Chain[] {
  return [
    sourceChain(),
    redirectChain(input),
    ownChain(input),
    loopbackChain(),
    {
      name: "antispoof",
      hook: { type: "filter", name: "input", priority: -300, policy: "accept" },
      rules: oursComeByLoopback(input),
    },
    apiChain(input),
    stampChain(input.marks, []),
    forgedChain(input),
    ...refuseChains("dns"),
  ];
}

/**
 * Docker leaves ip_forward on. Without this rule, a frame put on one interface may leave by another, past the
 * output hook.
 */
const FORWARDED = { statements: "counter drop", comment: "a sandbox is no router" };

function requireIntegers({ generation, marks }: RulesetInput): void {
  const inRange = Number.isInteger(generation) && generation >= 1 && generation <= LAST_GENERATION;
  if (!inRange) throw new TypeError(`generation out of range: ${generation}`);
  const { group = 1, ...numbers } = marks;
  for (const [name, value] of Object.entries({ group, ...numbers })) {
    const usable = Number.isInteger(value) && value > 0 && value < 0xffffffff;
    if (!usable) throw new TypeError(`${name} out of range`);
  }
}
