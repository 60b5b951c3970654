/** Of one name: what the policy says, what the resolver answers, and which addresses are in force for it. */
import { localReply } from "../../dns/local-names.ts";
import { RrType } from "../../dns/wire/constants.ts";
import { type FirstPacket, flowOf } from "./kernel-verdict.ts";
import type { LearnedAddresses } from "../../learned/learned-addresses.ts";
import type { SpokenApp } from "../../policy/app.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { findAuditedName, withoutAudit } from "../../policy/compile-audit.ts";
import { allowsBelow, decideName, decideNameFlow } from "../../policy/decide-name.ts";
import type { Decision } from "../../policy/decision.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import { type ExplainedMatch, explainMatches } from "../../policy/explain-matches.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { Steps } from "../../policy/steps.ts";
import type { NameTarget } from "../../policy/target.ts";

/**
 * `own`: the resolver's own, whatever the policy. `asked`: an upstream is asked, or the cache. `nxdomain`,
 * `nodata`: denied, with extended error 15; no data if a name below it may be allowed.
 */
export type ResolverAnswer = "own" | "asked" | "nxdomain" | "nodata";

export interface ExplainedName {
  readonly name: DomainName;
  /** The policy's, whether audit mode is on or not. */
  readonly decision: Decision;
  readonly matches: readonly ExplainedMatch[];
  readonly answer: ResolverAnswer;
  /** Audit mode lets it through. */
  readonly isAudited: boolean;
  /**
   * The flow that was asked for, and what the policy says of it wherever the name is; undefined if only
   * the name was asked for.
   */
  readonly flow?: AskedFlow | undefined;
}

export interface AskedFlow {
  readonly protocol: FirstPacket["protocol"];
  /** Undefined: ICMP. */
  readonly port: number | undefined;
  /** What it speaks; undefined: that was not asked for. */
  readonly app?: SpokenApp | undefined;
  readonly decision: Decision;
}

export interface AskedName extends Pick<FirstPacket, "protocol" | "port"> {
  readonly target: NameTarget;
  readonly app?: SpokenApp | undefined;
}

export function explainName(policy: CompiledPolicy, layers: PolicyLayers, asked: AskedName): ExplainedName {
  const judged = withoutAudit(policy);
  const { target, protocol, port, app } = asked;
  const { name } = target;
  const isFlow = port !== undefined || protocol === "icmp";
  const kind = isFlow ? { ...flowOf(asked), app } : undefined;
  return {
    name,
    decision: decideName(judged, name),
    flow: kind && { protocol, port, app, decision: decideNameFlow(judged, name, kind) },
    matches: explainMatches(judged, layers, target, kind),
    answer: answerTo(policy, name),
    isAudited: findAuditedName(policy, name) !== undefined && decideName(policy, name).action === "allow",
  };
}

function answerTo(policy: CompiledPolicy, name: DomainName): ResolverAnswer {
  if (localReply(name, RrType.a) !== undefined) return "own";
  if (decideName(policy, name).action === "allow") return "asked";
  return allowsBelow(policy, name) ? "nodata" : "nxdomain";
}

const PAGE = 512;
/** More addresses than these say no more. */
const ADDRESSES_SHOWN = 16;

/** Addresses in force that the name gave. Looks at all learned ones, a page in each step. */
export function* addressesOfName(
  learned: Pick<LearnedAddresses, "list">,
  name: DomainName,
): Steps<readonly Uint8Array[]> {
  const found: Uint8Array[] = [];
  for (let after: number | undefined = 0; after !== undefined && found.length < ADDRESSES_SHOWN;) {
    const page: ReturnType<typeof learned.list> = learned.list(after, PAGE);
    for (const { octets, owners } of page.addresses) if (owners.includes(name)) found.push(octets);
    after = page.next;
    yield;
  }
  return found.slice(0, ADDRESSES_SHOWN);
}
