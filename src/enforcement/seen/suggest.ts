import { withoutAudit } from "../../policy/compile-audit.ts";
import { type Suggestion, suggestSteps } from "../../policy/suggest.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { PolicyChanges } from "../change/change-policy.ts";
import type { Seen, SeenCounts } from "./seen-targets.ts";

/** A policy that lets through what was seen, and how much that is. */
export interface SeenSuggestion extends Suggestion {
  readonly seen: SeenCounts;
}

/** Lookups go on meanwhile; what they bring may be in it or not. */
export async function suggestFromSeen(
  seen: Pick<Seen, "targets" | "counts">,
  policy: Pick<PolicyChanges, "inForce" | "layers">,
  wildcards: boolean,
): Promise<SeenSuggestion> {
  const { names, addresses } = seen.targets();
  const counts = seen.counts();
  const compiled = withoutAudit(policy.inForce().active);
  const options = { policy: policy.layers().user, compiled, wildcards };
  const copied = { names: [...names], addresses: [...addresses] };
  return { ...(await runInSlices(suggestSteps(copied, options))), seen: counts };
}
