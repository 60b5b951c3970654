/**
 * What a start finds: upstreams, the first policy, the ruleset of an earlier process, the operator's lists.
 * Read at the same time.
 */
import type { LoadedFrom } from "../audit/audit-log.ts";
import type { Log } from "../audit/log.ts";
import type { Settings } from "../config.ts";
import { findShippedRules, readDohResolvers } from "../config/shipped-rules.ts";
import type { Upstream } from "../config/upstream.ts";
import { readDenyAlways, type RuleFolders } from "../enforcement/always/io/always-rules.ts";
import { loadPolicyFile } from "../enforcement/change/io/policy-file.ts";
import { describe, PersistError } from "../enforcement/errors.ts";
import { isTableThere } from "../netfilter/io/find-table.ts";
import { readRulesetInForce } from "../netfilter/io/inspect.ts";
import { DENY_ALL, type Policy } from "../policy/policy.ts";
import type { Problem } from "../policy/problem.ts";
import type { Target } from "../policy/target.ts";
import { findUpstreams } from "./find-upstreams.ts";

export interface Surroundings {
  /** The namespace holds no table of ours. */
  readonly isFresh: boolean;
  /** An earlier process has left a whole ruleset for the mode of now. */
  readonly isRulesetThere: boolean;
  readonly upstreams: readonly Upstream[];
  readonly first: FirstPolicy;
  /** Addresses of public DoH resolvers; undefined if they are not blocked. */
  readonly doh: readonly string[] | undefined;
  /**
   * What the operator's file of that name says; none if it cannot be read, which is among the problems.
   */
  readonly denyAlways: readonly Target[];
  /** What cannot be read and has to be; nothing may be let through if there are any. */
  readonly problems: readonly Problem[];
}

interface FirstPolicy {
  readonly policy: Policy;
  readonly from: LoadedFrom;
}

export async function readSurroundings(settings: Settings, log: Log): Promise<Surroundings> {
  const isFresh = !isTableThere();
  const problems: Problem[] = [];
  const [upstreams, first, found, doh] = await Promise.all([
    findUpstreams(settings.upstreams),
    loadFirstPolicy(settings, log, problems),
    isFresh ? undefined : readRulesetInForce(),
    findDohResolvers(settings, problems),
  ]);
  const denials = await readDenyAlways(ruleFolders(settings));
  for (const result of [upstreams, denials]) problems.push(...(result.ok ? [] : result.problems));
  return {
    isFresh,
    isRulesetThere: found?.mode === settings.mode,
    upstreams: upstreams.ok ? upstreams.value : [],
    first,
    doh,
    denyAlways: denials.ok ? denials.value : [],
    problems,
  };
}

/** Where the operator's rule files lie, and those that hold where he has none. */
export function ruleFolders({ rulesDirectory }: Pick<Settings, "rulesDirectory">): RuleFolders {
  return { folder: rulesDirectory, shipped: findShippedRules() };
}

async function loadFirstPolicy(settings: Settings, log: Log, problems: Problem[]): Promise<FirstPolicy> {
  try {
    const stored = settings.policyFile === undefined ? undefined : await loadPolicyFile(settings.policyFile);
    for (const warning of stored?.warnings ?? []) log.logger.warn(warning);
    if (stored?.policy !== undefined) return { policy: stored.policy, from: "policy file" };
    return { policy: settings.rules, from: "environment" };
  } catch (error) {
    if (!(error instanceof PersistError)) throw error;
    problems.push({ path: "policy file", message: error.message });
    return { policy: DENY_ALL, from: "environment" };
  }
}

async function findDohResolvers(
  { blockDoh, dohBlocklist }: Settings,
  problems: Problem[],
): Promise<Surroundings["doh"]> {
  if (!blockDoh) return undefined;
  try {
    return await readDohResolvers(dohBlocklist);
  } catch (error) {
    problems.push({ path: "OPENSANDBOX_EGRESS_BLOCK_DOH_443", message: describe(error) });
    return undefined;
  }
}
