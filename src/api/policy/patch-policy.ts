import type { ChangeOptions } from "../../enforcement/change/policy-control.ts";
import { rulesSteps } from "../../policy/parse-policy.ts";
import type { ChangeParts } from "./change-parts.ts";
import { type Reply, replyToBadBody, replyToChange, replyToProblems } from "./reply.ts";

/** `PATCH /policy`: an array of rules, merged into the policy by target. */
export async function patchPolicy(
  { control, takeSteps }: ChangeParts,
  text: string,
  options: ChangeOptions,
): Promise<Reply> {
  const parsed = await takeSteps(rulesSteps(text));
  if (!parsed.ok) return replyToProblems("invalid-rules", "invalid patch rules", parsed.problems);
  if (parsed.value === "blank") return replyToBadBody("empty-body", "empty body");
  if (parsed.value.length === 0) return replyToBadBody("invalid-rules", "invalid patch rules: empty array");
  const outcome = await control.change({ kind: "merge", rules: parsed.value }, options);
  return replyToChange(outcome, { dryRun: options.dryRun === true, takeSteps, warnings: parsed.warnings });
}
