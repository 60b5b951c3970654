import type { ChangeOptions } from "../../enforcement/change/policy-control.ts";
import { policySteps } from "../../policy/parse-policy.ts";
import { DENY_ALL } from "../../policy/policy.ts";
import type { ChangeParts } from "./change-parts.ts";
import { type Reply, replyToChange, replyToProblems } from "./reply.ts";

/** `POST` and `PUT /policy`: the body is the new policy; a blank one resets to deny-all and says so. */
export async function replacePolicy(
  { control, takeSteps }: ChangeParts,
  text: string,
  options: ChangeOptions,
): Promise<Reply> {
  const parsed = await takeSteps(policySteps(text));
  if (!parsed.ok) return replyToProblems("invalid-policy", "invalid policy", parsed.problems);
  const isBlank = parsed.value === "blank";
  const policy = parsed.value === "blank" ? DENY_ALL : parsed.value;
  const outcome = await control.change({ kind: "replace", policy }, options);
  const reason = isBlank ? { reason: "policy reset to default deny-all" } : {};
  return replyToChange(outcome, {
    dryRun: options.dryRun === true,
    takeSteps,
    warnings: parsed.warnings,
    ...reason,
  });
}
