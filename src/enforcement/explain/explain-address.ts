/**
 * Of one address: what the policy says, whether the kernel lets a first packet pass now, and what the far end
 * does with flows.
 */
import {
  type FirstPacket,
  flowOf,
  judgeFirstPacket,
  type KernelVerdict,
  type KernelView,
} from "./kernel-verdict.ts";
import { renderAddress } from "../../policy/address.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { decideAddressFlow } from "../../policy/decide-address.ts";
import { decideName, decideNameFlow } from "../../policy/decide-name.ts";
import type { Decision } from "../../policy/decision.ts";
import { type DomainName, isDomainName } from "../../policy/domain-name.ts";
import type { FlowKind } from "../../policy/flow-set.ts";
import type { SpokenApp } from "../../policy/app.ts";
import { findDemand } from "../names/app-fault.ts";
import type { JudgedFlow } from "../names/judged-flow.ts";
import type { Tried } from "./io/try-connection.ts";
import { type ExplainedMatch, explainMatches } from "../../policy/explain-matches.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { parseTarget } from "../../policy/target.ts";
import type { LearnedAddress } from "../../learned/pages.ts";

/**
 * By the flows that there are: `answers`; `silent`, if nothing has come back; `unknown`, if there is none, as
 * after the far end has refused it. By a try of ours also `refuses` and `unreachable`.
 */
export type FarEnd = Tried;

export interface FlowCounts {
  readonly answered: number;
  readonly unanswered: number;
}

export interface ExplainedAddress {
  readonly address: string;
  /** That was asked about; undefined without a port, but for icmp. */
  readonly flow?: FlowKind | undefined;
  /** Names that gave it, the latest first. */
  readonly names: readonly string[];
  /** Those of them whose rules in force let the flow pass; without a flow, those that are allowed. */
  readonly openers: readonly DomainName[];
  /** Whether a connection has to show an allowed name there, since only names have opened it. Of TCP. */
  readonly isNameJudged: boolean;
  /** Whether QUIC is refused there, though other UDP passes: it hides the name that it shows. */
  readonly isQuicRefused: boolean;
  /** Missing if no lookup holds it in force, or nobody knows. */
  readonly secondsLeft?: number;
  /** The policy's, whether audit mode is on or not. */
  readonly decision: Decision;
  readonly matches: readonly ExplainedMatch[];
  readonly kernel: KernelVerdict;
  readonly flows: FlowCounts;
  readonly farEnd: FarEnd;
  /** Whether `farEnd` is from a try of ours. */
  readonly isTried: boolean;
}

export interface AddressView {
  readonly kernel: KernelView;
  /** Undefined: nobody reads connections. */
  readonly names: Pick<JudgedFlow, "isStrict"> | undefined;
  readonly layers: PolicyLayers;
  readonly namesOf: (octets: Uint8Array) => readonly string[];
  readonly find: (octets: Uint8Array) => LearnedAddress | undefined;
}

/** `app`: what the connection speaks, which says nothing of its first packet. */
export function explainAddress(
  view: AddressView,
  packet: FirstPacket,
  flows: FlowCounts,
  app?: SpokenApp,
): ExplainedAddress {
  const { octets } = packet;
  const policy = withoutAudit(view.kernel.policy);
  const address = renderAddress(octets);
  const flow = { ...flowOf(packet), ...(app === undefined ? {} : { app }) };
  const target = parseTarget(address);
  const learned = view.find(octets);
  const leftMs = learned?.leftMs;
  const asked = packet.port === undefined && packet.protocol !== "icmp" ? undefined : flow;
  const kernel = judgeFirstPacket(view.kernel, packet);
  const names = view.namesOf(octets);
  return {
    address,
    flow: asked,
    names,
    openers: findOpeners(view.kernel.policy, names, asked),
    isNameJudged: isNameJudged(view, packet, { kernel, names }),
    isQuicRefused: view.names !== undefined && packet.protocol === "udp" && kernel.by === "learned",
    ...(leftMs === undefined ? {} : { secondsLeft: Math.floor(leftMs / 1000) }),
    decision: decideAddressFlow(policy, octets, flow),
    matches: target.ok ? explainMatches(policy, view.layers, target.value, flow) : [],
    kernel,
    flows,
    farEnd: farEndOf(flows),
    isTried: false,
  };
}

function findOpeners(
  policy: CompiledPolicy,
  names: readonly string[],
  flow: FlowKind | undefined,
): readonly DomainName[] {
  return names.filter(isDomainName).filter((name) => {
    const { action } = flow === undefined ? decideName(policy, name) : decideNameFlow(policy, name, flow);
    return action === "allow";
  });
}

function isNameJudged(
  { names: readers, kernel: { policy } }: AddressView,
  { port, protocol, octets }: FirstPacket,
  { kernel, names }: Pick<ExplainedAddress, "kernel" | "names">,
): boolean {
  if (readers === undefined || protocol !== "tcp" || kernel.by !== "learned" || !kernel.passes) return false;
  const { isStrict } = readers;
  const flow = { isStrict, port: port ?? 0, address: octets, owners: () => names, isLearned: () => true };
  return findDemand([policy], flow) !== "nothing";
}

/** Whether a try would tell of a far end: it is let through, and leaves the sandbox. */
export function isWorthATry({ kernel }: ExplainedAddress): boolean {
  return kernel.passes && kernel.by !== "resolver" && kernel.by !== "loopback";
}

function farEndOf({ answered, unanswered }: FlowCounts): FarEnd {
  if (answered > 0) return "answers";
  return unanswered > 0 ? "silent" : "unknown";
}
