/** What a change leads to, and what that compiles to. */
import { type CompiledPolicy, compileSteps, mergeSteps, removalSteps } from "../../policy/compile.ts";
import { auditSteps } from "../../policy/compile-audit.ts";
import { type IsRead, speaksOfRequests } from "../../policy/http-flows.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { PolicyText } from "../../policy/policy-text.ts";
import type { Steps } from "../../policy/steps.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { addedBy } from "./edits.ts";
import type { PolicyEdit } from "./policy-control.ts";

export interface NextPolicy {
  readonly layers: PolicyLayers;
  /** It makes the user's policy out of the one in force, if nothing else differs. */
  readonly edit: PolicyEdit | undefined;
  /** Of the user's policy. */
  readonly text: PolicyText;
  readonly isAudit: boolean;
  /** What it compiles to without audit mode, if that is known. */
  readonly compiled?: CompiledPolicy | undefined;
  /** Which hosts' requests are read; default: those that are by now. */
  readonly isRead?: IsRead;
}

/** What a policy is compiled from, beside its own rules. */
export interface CompileBasis {
  /** The policy in force, without audit mode. */
  readonly before: CompiledPolicy;
  /** Which hosts' requests are read as of now. */
  readonly readNow: () => IsRead;
}

/** While it compiles, lookups go on under the policy in force. */
export async function compileNext(next: NextPolicy, basis: CompileBasis): Promise<CompiledPolicy> {
  const policy = next.compiled ?? (await runInSlices(compileEdit(next, basis)));
  return next.isAudit ? runInSlices(auditSteps(next.layers, policy)) : policy;
}

/** Without audit mode. It costs as much as the edit alone, if no rule speaks of requests. */
export function compileEdit(
  { layers, edit, isRead }: Pick<NextPolicy, "layers" | "edit" | "isRead">,
  { before, readNow }: CompileBasis,
): Steps<CompiledPolicy> {
  const isOfFlows = before.requests === undefined && !speaksOfRequests(addedBy(edit));
  if (isOfFlows && edit?.kind === "merge") return mergeSteps(before, edit.rules);
  if (isOfFlows && edit?.kind === "remove") return removalSteps(before, edit.targets);
  return compileSteps(layers, isRead ?? readNow());
}
