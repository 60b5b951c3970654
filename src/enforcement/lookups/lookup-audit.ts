import { describeRule } from "../../policy/rule.ts";
import type { AuditLog } from "../../audit/audit-log.ts";
import type { DecisionEvent, Outcome, Reason, TakenOut } from "../../decisions/decision-event.ts";
import type { LookupEvent, LookupObserver, LookupOutcome } from "../../dns/ports.ts";
import { Rcode, RrType } from "../../dns/wire/constants.ts";
import type { Decision } from "../../policy/decision.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { findAuditedAddress, findAuditedName } from "../../policy/compile-audit.ts";
import type { PolicyJudge } from "./policy-judge.ts";

/** What is decided, and what the decision alone does not say. */
const DECIDED: Readonly<Record<LookupOutcome, { readonly decision: Outcome; readonly reason?: Reason }>> = {
  denied: { decision: "denied" },
  answered: { decision: "allowed" },
  nodata: { decision: "nodata" },
  withheld: { decision: "withheld" },
  nxdomain: { decision: "nxdomain" },
  own: { decision: "allowed", reason: "own-answer" },
  limited: { decision: "failed", reason: "limited" },
  upstream: { decision: "failed", reason: "upstream" },
  rcode: { decision: "failed", reason: "rcode" },
  kernel: { decision: "failed", reason: "kernel" },
  overload: { decision: "failed", reason: "overload" },
};

const NO_DATA_OF_OURS = { decision: "nodata", reason: "own-answer" } as const;
const REFUSED_BY_US = { decision: "failed", reason: "own-answer" } as const;

/** Of service bindings we give no data, and of types that only a question may have not even that. */
function ownAnswer({ qtype, rcode }: LookupEvent): (typeof DECIDED)[LookupOutcome] {
  if (rcode !== Rcode.noError) return REFUSED_BY_US;
  return qtype === RrType.https || qtype === RrType.svcb ? NO_DATA_OF_OURS : DECIDED.own;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

export interface LookupAuditOptions {
  readonly audit: Pick<AuditLog, "decided" | "lookupsLimited">;
  /** Called with how long the upstreams took for each lookup. */
  readonly recordDuration: (durationMs: number) => void;
  readonly whyWithheld: PolicyJudge["whyWithheld"];
  /** The one in force. */
  readonly policy: () => CompiledPolicy;
  /** Unix time of a moment of the resolver's clock. */
  readonly unixMs: (nowMs: number) => number;
}

/**
 * What audit mode has let through: the name would be denied, or each of its addresses be taken out. What is
 * blocked all the same is not.
 */
function findAudited(policy: CompiledPolicy, lookup: LookupEvent): Decision | undefined {
  const { qname, outcome, decision } = lookup;
  if (policy.audits === undefined || qname === undefined || decision === undefined) return undefined;
  if (outcome === "denied" || outcome === "withheld") return undefined;
  const byName = findAuditedName(policy, qname);
  if (byName !== undefined) return byName;
  let byAddress: Decision | undefined;
  let isAnyGiven = false;
  lookup.forEachAddress((octets, at, length) => {
    const found = findAuditedAddress(policy, octets, at, length);
    byAddress ??= found;
    isAnyGiven ||= found === undefined;
  });
  return isAnyGiven ? undefined : byAddress;
}

function createBlankEvent(forEachAddress: DecisionEvent["forEachAddress"]): Writable<DecisionEvent> {
  return {
    kind: "lookup",
    decision: "allowed",
    timeMs: 0,
    name: "",
    qname: undefined,
    qtype: 0,
    rcode: 0,
    upstream: undefined,
    durationMs: 0,
    protocol: 0,
    port: undefined,
    layer: "built-in",
    rule: undefined,
    reason: undefined,
    takenOut: undefined,
    forEachAddress,
  };
}

/**
 * Turns what the resolver tells into decisions. One event is filled in again and again, so telling leaves
 * nothing to collect.
 */
export function createLookupAudit(options: LookupAuditOptions): LookupObserver {
  const { audit, recordDuration, whyWithheld, policy, unixMs } = options;
  let told: LookupEvent | undefined;
  const event = createBlankEvent((visit) => {
    if (event.decision === "withheld") told?.forFirstWithheld(visit);
    else told?.forEachAddress(visit);
  });
  function explainWithheld(octets: Uint8Array, at: number, length: 4 | 16): void {
    const { layer, rule, reason } = whyWithheld(octets, at, length);
    event.layer = layer;
    event.rule = rule;
    event.reason = reason;
  }

  /** Rare, so that it may be made anew. */
  function findTakenOut(lookup: LookupEvent): TakenOut | undefined {
    let takenOut: TakenOut | undefined;
    lookup.forFirstWithheld((octets, at, length) => {
      const why = whyWithheld(octets, at, length);
      takenOut = { count: lookup.withheldCount, first: octets.slice(at, at + length), ...why };
    });
    return takenOut;
  }

  function markAudited(lookup: LookupEvent): void {
    const audited = findAudited(policy(), lookup);
    if (audited === undefined) return;
    event.decision = "audited";
    event.layer = audited.layer;
    event.rule = audited.rule && describeRule(audited.rule);
  }

  return {
    forwarded: recordDuration,
    lookedUp(lookup) {
      const { decision, qname } = lookup;
      const decided = lookup.outcome === "own" ? ownAnswer(lookup) : DECIDED[lookup.outcome];
      event.decision = decided.decision;
      event.timeMs = unixMs(lookup.nowMs);
      event.name = lookup.text;
      event.qname = qname;
      event.qtype = lookup.qtype;
      event.rcode = lookup.rcode;
      event.upstream = lookup.upstream;
      event.durationMs = lookup.durationMs;
      event.layer = decision?.layer ?? "built-in";
      event.rule = decision?.rule && describeRule(decision.rule);
      event.reason = decided.reason ?? (qname === undefined ? "no-host-name" : undefined);
      told = lookup;
      if (lookup.outcome === "withheld") lookup.forFirstWithheld(explainWithheld);
      const isPartial = lookup.withheldCount > 0 && lookup.outcome === "answered";
      event.takenOut = isPartial ? findTakenOut(lookup) : undefined;
      markAudited(lookup);
      audit.decided(event);
      told = undefined;
    },
    limited: ({ bound, perMinute, parent, decision: { layer, rule } }) =>
      audit.lookupsLimited({ parent, bound, perMinute, layer, rule: rule && describeRule(rule) }),
  };
}
