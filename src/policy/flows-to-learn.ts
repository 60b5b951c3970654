/** Which flows to its addresses a lookup of a name opens, as far as rules for names decide. */
import type { CompiledPolicy } from "./compile.ts";
import { decideName, flowsOfName } from "./decide-name.ts";
import { type DomainName, isDomainName } from "./domain-name.ts";
import { commonOf, type FlowSet, isEvery, isNone, NO_FLOWS, unionOf } from "./flow-set.ts";

/** Undefined: all of them. Audit mode opens silently what the policy allows, and reports everything else. */
export function flowsToLearn(policy: CompiledPolicy, qname: DomainName): FlowSet | undefined {
  const { audits, scoped } = policy;
  if (audits === undefined && scoped.length > 0) return flowsOfName(policy, qname);
  if (decideName(policy, qname).action === "deny") return NO_FLOWS;
  if (audits === undefined || audits.scoped.length === 0) return undefined;
  const flows = flowsOfName(audits, qname);
  return flows === undefined || isNone(flows) ? undefined : flows;
}

/** What several names open together. */
export function flowsOfOwners(policy: CompiledPolicy, owners: readonly string[]): FlowSet | undefined {
  let all = NO_FLOWS;
  for (const owner of owners) {
    const flows = isDomainName(owner) ? flowsToLearn(policy, owner) : NO_FLOWS;
    if (flows === undefined) return undefined;
    all = unionOf(all, flows);
  }
  return isEvery(all) ? undefined : all;
}

/** Whether a name opens any. */
export function opensFlows(policy: CompiledPolicy, qname: DomainName): boolean {
  const flows = flowsToLearn(policy, qname);
  return flows === undefined || !isNone(flows);
}

/** The flows that both let pass; undefined means all. */
export function bothOf(one: FlowSet | undefined, other: FlowSet | undefined): FlowSet | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return commonOf(one, other);
}
