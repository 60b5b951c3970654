import type { Settings } from "../config.ts";
import { VARIABLES } from "../config/variables.ts";
import { findAskingRule } from "../enforcement/change/unserved-apps.ts";
import { whyUnread } from "../enforcement/names/why-unread.ts";
import type { Problem } from "../policy/problem.ts";
import type { Surroundings } from "./read-surroundings.ts";

/**
 * What of the first policy asks what connections speak, if nobody can read them. The machine is asked only if
 * some rule does. Throws KernelError, SystemCallError.
 */
export async function findUnservedApps(
  { wireNames, mode, upstreamProxy }: Settings,
  { policy, from }: Surroundings["first"],
): Promise<readonly Problem[]> {
  const place = from === "policy file" ? from : VARIABLES.rules.name;
  if (findAskingRule(policy.egress, place, "") === undefined) return [];
  const reason = await whyUnread({
    wireNames,
    isOnlyLookups: mode === "dns",
    isProxied: upstreamProxy !== undefined,
  });
  const problem =
    reason === undefined ? undefined : findAskingRule(policy.egress, `${place}: egress`, reason);
  return problem === undefined ? [] : [problem];
}
