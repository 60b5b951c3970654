/** What a start finds: the first policy, the ruleset of an earlier process, the list of DoH resolvers. Read at the same time. */
import type { LoadedFrom } from "../audit/audit-log.ts";
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import { readDohResolvers } from "../config/shipped-rules.ts";
import { loadPolicyFile } from "../enforcement/change/io/policy-file.ts";
import { isTableThere } from "../netfilter/io/find-table.ts";
import { readRulesetInForce } from "../netfilter/io/inspect.ts";
import type { Policy } from "../policy/policy.ts";

export interface Surroundings {
  /** The namespace holds no table of ours. */
  readonly isFresh: boolean;
  /** An earlier process has left a whole ruleset for the mode of now. */
  readonly isRulesetThere: boolean;
  readonly first: { readonly policy: Policy; readonly from: LoadedFrom };
  /** Addresses of public DoH resolvers; undefined if they are not blocked. */
  readonly doh: readonly string[] | undefined;
}

export async function readSurroundings(settings: Settings, log: Log): Promise<Surroundings> {
  const isFresh = !isTableThere();
  const [first, found, doh] = await Promise.all([
    loadFirstPolicy(settings, log),
    isFresh ? undefined : readRulesetInForce(),
    settings.blockDoh ? readDohResolvers(settings.dohBlocklist) : undefined,
  ]);
  return { isFresh, isRulesetThere: found?.mode === settings.mode, first, doh };
}

async function loadFirstPolicy(settings: Settings, log: Log): Promise<Surroundings["first"]> {
  const stored = settings.policyFile === undefined ? undefined : await loadPolicyFile(settings.policyFile);
  if (stored?.warning !== undefined) log.logger.warn(stored.warning);
  if (stored?.policy !== undefined) return { policy: stored.policy, from: "policy file" };
  return { policy: settings.rules, from: "environment" };
}
