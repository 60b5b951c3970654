import type { PolicyChanges } from "../change/change-policy.ts";
import type { PolicyInForce } from "../change/policy-in-force.ts";
import type { InterceptSide } from "../interception/intercept-side.ts";
import type { KernelSide } from "../open-kernel-side.ts";
import type { EnforcementMode } from "../../netfilter/ruleset.ts";
import { explain, type Explained, type ExplainRequest, type ExplainSources } from "./explain.ts";
import { createFlowFates } from "./flow-fates.ts";
import { tryConnection } from "./io/try-connection.ts";

export interface Explainer {
  /** Throws SystemCallError. */
  explain(request: ExplainRequest): Promise<Explained>;
  close(): void;
}

type FixedParts = Omit<ExplainSources["frame"], "mode"> & { readonly enforcementMode: EnforcementMode };

interface Read {
  readonly interception: Pick<InterceptSide, "bindingsOf"> | undefined;
  readonly namesPlan: ExplainSources["names"];
}

/** Opens nothing before the first call. */
export function createExplainer(
  options: FixedParts,
  policy: Pick<PolicyChanges, "layers" | "unreadRules">,
  { learned, network, interception, namesPlan }: Pick<KernelSide, "learned" | "network"> & Read,
  inForce: () => PolicyInForce,
): Explainer {
  const { enforcementMode: mode, upstreams, exemptNameservers, doh } = options;
  const fates = createFlowFates();
  const sources: ExplainSources = {
    frame: { mode, upstreams, exemptNameservers, doh },
    policy: () => inForce().active,
    layers: policy.layers,
    unreadRules: policy.unreadRules,
    names: namesPlan,
    learned,
    readNetwork: network.read,
    fates,
    tryConnection,
    bindingsOf: interception?.bindingsOf,
  };
  return { explain: (request) => explain(sources, request), close: fates.close };
}
