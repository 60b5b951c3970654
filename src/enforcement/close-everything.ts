import { compileRuleset } from "../netfilter/chains/compile-ruleset.ts";
import { FIRST_HALF, LAST_GENERATION } from "../netfilter/flow-marks.ts";
import { KernelError } from "../netfilter/errors.ts";
import { readNetwork } from "../netfilter/io/namespace-network.ts";
import { NO_ADDRESSES } from "../netfilter/ruleset-input.ts";
import type { RulesetApplier } from "../netfilter/io/nft.ts";
import { compilePolicy } from "../policy/compile.ts";
import { DENY_ALL } from "../policy/policy.ts";
import { drawFrom } from "../sys/random.ts";
import type { RulesetFrame } from "./change/load-policy.ts";

/**
 * Puts deny-all with the redirect of lookups into the kernel: the first of all rules. Throws KernelError,
 * SystemCallError.
 */
export async function closeEverything(frame: RulesetFrame, applier: RulesetApplier): Promise<void> {
  const policy = compilePolicy({ denyAlways: [], allowAlways: [], user: DENY_ALL });
  const ruleset = compileRuleset({
    ...frame,
    policy,
    generation: drawFrom(FIRST_HALF, LAST_GENERATION + 1),
    network: readNetwork(),
    restore: NO_ADDRESSES,
    revoked: NO_ADDRESSES,
  });
  try {
    await applier.replace(ruleset);
  } catch (error) {
    if (!(error instanceof KernelError) || error.code !== "refused") throw error;
    // What is there may be another version's, of a kind that can't be changed in place.
    await applier.replace({ ...ruleset, over: "nothing" });
  }
}
