import type { ChangeOptions } from "../../enforcement/change/policy-control.ts";
import { targetsSteps } from "../../policy/parse-policy.ts";
import type { ChangeParts } from "./change-parts.ts";
import { type Reply, replyToBadBody, replyToChange, replyToProblems } from "./reply.ts";

/** `DELETE /policy`: an array of targets whose rules go; those that no rule has are ignored. */
export async function deletePolicy(
  { control, takeSteps }: ChangeParts,
  text: string,
  options: ChangeOptions,
): Promise<Reply> {
  const parsed = await takeSteps(targetsSteps(text));
  if (!parsed.ok) return replyToProblems("invalid-targets", "invalid delete targets", parsed.problems);
  if (parsed.value === "blank") return replyToBadBody("empty-body", "empty body");
  if (parsed.value.length === 0)
    return replyToBadBody("invalid-targets", "invalid delete targets: empty array");
  const outcome = await control.change({ kind: "remove", targets: parsed.value }, options);
  return replyToChange(outcome, { dryRun: options.dryRun === true, takeSteps });
}
