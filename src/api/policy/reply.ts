import type { ChangeOutcome, PolicySnapshot } from "../../enforcement/change/policy-control.ts";
import { policyMode, renderPolicy } from "../../policy/policy.ts";
import { type Problem, renderProblems } from "../../policy/problem.ts";
import { describeTooManyScopes } from "../../policy/scope-limit.ts";
import type { TakeSteps } from "../../policy/steps.ts";
import { diffSteps } from "./policy-diff.ts";
import type { Refusal } from "../refusal.ts";

/**
 * What a call on `/policy` comes to: a success with its JSON, or a refusal; and the entity tag of the policy
 * that it speaks of.
 */
export type Reply =
  | { readonly ok: true; readonly body: object; readonly etag: string }
  | { readonly ok: false; readonly refusal: Refusal; readonly etag: string | undefined };

export interface ReplyOptions {
  readonly dryRun: boolean;
  readonly takeSteps: TakeSteps;
  /** Said of a change that was made. */
  readonly reason?: string;
  /** What in the body said nothing. */
  readonly warnings?: readonly Problem[] | undefined;
}

/** The reply to a change. Keys stand in the order that the API promises. */
export async function replyToChange(
  outcome: ChangeOutcome,
  { dryRun, takeSteps, reason, warnings }: ReplyOptions,
): Promise<Reply> {
  if (outcome.kind === "precondition-failed") {
    const message = `the policy has changed: If-Match does not hold for ${outcome.etag}`;
    return { ok: false, refusal: { code: "precondition-failed", message }, etag: outcome.etag };
  }
  if (outcome.kind === "too-many-rules") {
    const message = `egress rule total count ${outcome.count} exceeds limit ${outcome.limit}`;
    return { ok: false, refusal: { code: "too-many-rules", message }, etag: undefined };
  }
  if (outcome.kind === "coupled") {
    const message = `credential vault policy validation: ${outcome.reason}`;
    return { ok: false, refusal: { code: "uncovers-binding", message }, etag: undefined };
  }
  if (outcome.kind === "unread" || outcome.kind === "unserved-app") {
    const { problem } = outcome;
    const prefix = problem.path.startsWith("[") ? "invalid patch rules" : "invalid policy";
    return replyToProblems(outcome.kind === "unread" ? "unread-host" : "unserved-app", prefix, [problem]);
  }
  if (outcome.kind === "too-many-scopes") {
    const message = describeTooManyScopes(outcome.count);
    return { ok: false, refusal: { code: "too-many-rules", message }, etag: undefined };
  }
  if (outcome.kind === "too-many-elements")
    return replyToProblems("too-many-rules", "invalid policy", [outcome.problem]);
  if (outcome.kind === "closed") {
    return { ok: false, refusal: { code: "closed", message: outcome.reason }, etag: undefined };
  }
  const { state, previous } = outcome;
  const said = outcome.kind === "unchanged" ? "no matching targets found" : reason;
  const body = { ...describeState(state), ...(said === undefined ? {} : { reason: said }) };
  const told = warnings === undefined ? {} : { warnings };
  if (!dryRun) return { ok: true, body: { ...body, ...told }, etag: state.etag };
  const preview = {
    dryRun: true,
    policy: renderPolicy(state.policy),
    ...(await takeSteps(diffSteps(previous.policy, state.policy))),
  };
  return { ok: true, body: { ...body, ...preview, ...told }, etag: previous.etag };
}

export function describeState({ policy, enforcementMode }: PolicySnapshot): object {
  return { status: "ok", mode: policyMode(policy), enforcementMode };
}

/** The reply to a body that could not be read as what it should be; `prefix` says what that was. */
export function replyToProblems(code: Refusal["code"], prefix: string, problems: readonly Problem[]): Reply {
  const message = `${prefix}: ${renderProblems(problems)}`;
  return { ok: false, refusal: { code, message, problems }, etag: undefined };
}

export function replyToBadBody(code: Refusal["code"], message: string): Reply {
  return { ok: false, refusal: { code, message }, etag: undefined };
}
