/**
 * What rules say of requests, as the policy is when a request's head is complete: on kept connections a
 * change is in force for the next request. While a change is under way both policies must let a request pass.
 * In audit mode it passes, and what would refuse it is reported.
 */
import { parseAddress } from "../../policy/address.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { createRequestJudges, type RequestJudge, type RequestJudges } from "../../policy/decide-request.ts";
import type { Decision } from "../../policy/decision.ts";
import type { FlowIdentity } from "../../intercept/flow-identity.ts";
import type { RequestReadings, RequestRules } from "../../intercept/request-rules.ts";
import type { DomainName } from "../../policy/domain-name.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import { describeRule } from "../../policy/rule.ts";
import { policiesOf, type PolicyInForce } from "../change/policy-in-force.ts";
import type { RequestRefused } from "../events.ts";

export interface RequestRulesOptions {
  readonly inForce: () => PolicyInForce;
  readonly onRefused: (refused: RequestRefused) => void;
}

export function createRequestRules({ inForce, onRefused }: RequestRulesOptions): RequestRules {
  const known = new WeakMap<PolicyLayers, RequestJudges>();

  function judgeOf(policy: CompiledPolicy, name: DomainName, port: number): RequestJudge | undefined {
    const { requests } = withoutAudit(policy);
    if (requests === undefined) return undefined;
    const judges = known.get(requests) ?? createRequestJudges(requests);
    known.set(requests, judges);
    return judges.find(name, port);
  }

  /** While a change is under way those of both policies. */
  function judgesOf(name: DomainName, port: number): readonly RequestJudge[] {
    return policiesOf(inForce()).flatMap((policy) => judgeOf(policy, name, port) ?? []);
  }

  return {
    revision: inForce,
    isRuled: (name, port) => judgesOf(name, port).length > 0,
    findJudge(flow) {
      const judges = judgesOf(flow.name, flow.destination.port);
      if (judges.length === 0) return undefined;
      const isAudited = inForce().active.audits !== undefined;
      return (request) => {
        const refusing = findRefusing(judges, request);
        if (refusing === undefined) return undefined;
        const rule = refusing.rule && describeRule(refusing.rule);
        onRefused({
          ...toldOf(flow),
          method: request.methods[0] ?? "",
          layer: refusing.layer,
          rule,
          isAudited,
        });
        return isAudited ? undefined : { layer: refusing.layer, rule };
      };
    },
  };
}

function findRefusing(
  judges: readonly RequestJudge[],
  { methods, paths }: RequestReadings,
): Decision | undefined {
  for (const judge of judges) {
    for (const path of paths) {
      for (const method of methods) {
        const decision = judge.decide({ method, path });
        if (decision.action === "deny") return decision;
      }
    }
  }
  return undefined;
}

function toldOf({ name, destination }: FlowIdentity): Pick<RequestRefused, "name" | "address" | "port"> {
  const parsed = parseAddress(destination.address);
  if (!parsed.ok) throw new TypeError(`a flow to ${destination.address}, which is no address`);
  return { name, address: parsed.value.octets, port: destination.port };
}
