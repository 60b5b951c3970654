/** What rules say of requests over intercepted flows: the enforcement knows, and the relay asks. */
import type { DomainName } from "../policy/domain-name.ts";
import type { FlowIdentity } from "./flow-identity.ts";

/** Who refuses a request: a rule of the policy, or if there is none the default action. */
export interface RefusingRule {
  readonly layer: string;
  /** The rule's target, for people; undefined for the default action. */
  readonly rule: string | undefined;
}

/** How a request may be read: methods as spelled, paths without their query. */
export interface RequestReadings {
  readonly methods: readonly string[];
  readonly paths: readonly string[];
}

/** By the first reading that is refused, which the answer then names; undefined if the request passes. */
export type JudgeRequest = (request: RequestReadings) => RefusingRule | undefined;

/** As the policy is at the moment of each call. */
export interface RequestRules {
  /** Undefined if no rule speaks of requests to the host: they then pass as the flow does. */
  findJudge(flow: FlowIdentity): JudgeRequest | undefined;
  /** Another object once the policy has changed: what was judged by it and still waits is judged anew. */
  revision(): object;
  /** Whether one does, at this port. */
  isRuled(name: DomainName, port: number): boolean;
}
