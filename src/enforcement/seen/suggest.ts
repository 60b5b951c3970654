import { withoutAudit } from "../../policy/compile-audit.ts";
import { isDomainName } from "../../policy/domain-name.ts";
import { type Suggestion, suggestSteps } from "../../policy/suggest.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import type { PolicyChanges } from "../change/change-policy.ts";
import { createTaskQueue } from "../change/task-queue.ts";
import type { Seen, SeenCounts } from "./seen-targets.ts";

/** A policy that lets through what was seen, and how much that is. */
export interface SeenSuggestion extends Suggestion {
  readonly seen: SeenCounts;
}

export interface SuggestOptions {
  /** Whether one wildcard may take the place of several names below it. */
  readonly wildcards: boolean;
  /** Whether what no rule has decided is allowed for the ports that connections were seen to. */
  readonly ports: boolean;
  /** Names that were allowed of late. */
  readonly recentlyAllowed: Iterable<string>;
}

/** Makes them one after the other: of thousands of names each takes some megabytes meanwhile. */
export function createSuggestions(
  seen: Pick<Seen, "targets" | "counts">,
  policy: Pick<PolicyChanges, "inForce" | "layers">,
): (options: SuggestOptions) => Promise<SeenSuggestion> {
  const queue = createTaskQueue();
  return (options) => queue.run(() => suggestFromSeen(seen, policy, options));
}

/** Lookups go on meanwhile; what they bring may be in it or not. */
async function suggestFromSeen(
  seen: Pick<Seen, "targets" | "counts">,
  policy: Pick<PolicyChanges, "inForce" | "layers">,
  { wildcards, ports, recentlyAllowed }: SuggestOptions,
): Promise<SeenSuggestion> {
  const { addresses, flowsOf, isPartly } = seen.targets();
  const names = new Set(seen.targets().names);
  for (const name of recentlyAllowed) if (isDomainName(name)) names.add(name);
  const counts = { ...seen.counts(), names: names.size };
  const compiled = withoutAudit(policy.inForce().active);
  const options = { policy: policy.layers().user, compiled, wildcards, ports };
  const copied = { names: [...names], addresses: [...addresses], flowsOf, isPartly };
  return { ...(await runInSlices(suggestSteps(copied, options))), seen: counts };
}
