/** A change of the user's policy: edit, limits, coupling, text, file; the result is put in force. */
import type { AuditLog } from "../../audit/audit-log.ts";
import { describeTooManyElements, exceedsElements } from "../../netfilter/ranges/element-limit.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { Policy } from "../../policy/policy.ts";
import { textSteps } from "../../policy/policy-text.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { applyEdit } from "./edits.ts";
import { etagMatches } from "./if-match.ts";
import type { PolicyStorage } from "./io/policy-file.ts";
import { compileEdit, type NextPolicy } from "./next-policy.ts";
import type { ChangeOptions, ChangeOutcome, PolicyCoupling, PolicyEdit } from "./policy-control.ts";
import { type EditLimits, refuseEdit } from "./refuse-edit.ts";
import { type PolicyReplacement, tellFailure } from "./replace-policy.ts";
import type { UserPolicy } from "./user-policy.ts";

const hasScopes = ({ egress }: Policy): boolean => egress.some(({ scope }) => scope !== undefined);

export interface UserChangePorts {
  /** Undefined if no policy file is set: the policy lives as long as the process. */
  readonly storage: PolicyStorage | undefined;
  readonly audit: Pick<AuditLog, "policyUpdated" | "policyUpdateFailed">;
  /** Asked of each change; default: nothing depends on the policy. */
  readonly coupling?: PolicyCoupling | undefined;
}

/** What a change reads, and what carries it out. */
export interface UserChangeParts {
  readonly layers: () => PolicyLayers;
  readonly user: Pick<UserPolicy, "text" | "snapshot" | "describe">;
  readonly replacement: PolicyReplacement;
}

/** Calls may not overlap. Throws PersistError and ApplyError; the old policy then holds. */
export type ChangeUserPolicy = (edit: PolicyEdit, options: ChangeOptions) => Promise<ChangeOutcome>;

export function createUserChange(
  { storage, audit, coupling }: UserChangePorts,
  { layers: layersInForce, user, replacement }: UserChangeParts,
  limits: EditLimits,
): ChangeUserPolicy {
  async function persistAndReplace(next: NextPolicy): Promise<void> {
    const staged = await storage?.stage(next.text);
    try {
      await replacement.replace(next, async () => staged?.commit());
    } catch (error) {
      await staged?.discard();
      throw error;
    }
  }

  return async function change(edit, options) {
    const previous = user.snapshot();
    if (options.ifMatch !== undefined && !etagMatches(options.ifMatch, previous.etag)) {
      return { kind: "precondition-failed", etag: previous.etag };
    }
    const policy = await applyEdit(previous.policy, user.text(), edit);
    if (edit.kind === "remove" && policy === previous.policy) {
      return { kind: "unchanged", state: previous, previous };
    }
    const basis = replacement.basis();
    const refusal = refuseEdit(edit, policy, basis.readNow(), limits);
    if (refusal !== undefined) return refusal;
    const layers = { ...layersInForce(), user: policy };
    // Credentials are bound to hosts that it has to allow.
    const isBound = coupling?.isBound() === true;
    const compiled =
      isBound || hasScopes(policy) ? await runInSlices(compileEdit({ layers, edit }, basis)) : undefined;
    const uncovered = isBound ? compiled && coupling.findUncovered(compiled) : undefined;
    if (uncovered !== undefined) return { kind: "coupled", reason: uncovered };
    if (compiled !== undefined && (await runInSlices(exceedsElements(compiled))))
      return { kind: "too-many-elements", problem: describeTooManyElements(policy) };
    const text = await runInSlices(textSteps(policy, user.text()));
    if (options.dryRun === true) return { kind: "changed", state: user.describe(policy, text), previous };
    await tellFailure(audit, () =>
      persistAndReplace({ ...replacement.again(), layers, edit, text, compiled }),
    );
    audit.policyUpdated(edit);
    return { kind: "changed", state: user.snapshot(), previous };
  };
}
