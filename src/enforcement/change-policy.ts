/**
 * The policy in force, and its changes.
 *
 * A change goes: edit, cap, compile, write beside the file, kernel, rename, memory, answer. It holds the file's new text ready
 * before the kernel is touched, because a rename hardly ever fails while a write may (a full disk). Until the rename is done
 * the old policy is what a restart finds, and after a failure the kernel is given the old policy again. A kernel that refuses
 * even that is said by `health` and tried again each second: until it takes the old policy, lookups have to pass both.
 *
 * Known limit: a kernel port that never settles holds up all further changes; it is the port's part to have a time limit.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { AuditLog, LoadedFrom } from "../audit/audit-log.ts";
import { type CompiledPolicy, compilePolicy } from "../policy/compile.ts";
import { mergeRules, removeTargets } from "../policy/edit.ts";
import { policyEtag } from "../policy/etag.ts";
import type { PolicyLayers } from "../policy/layers.ts";
import { DENY_ALL, type Policy } from "../policy/policy.ts";
import type { Target } from "../policy/target.ts";
import { ApplyError, describe } from "./errors.ts";
import { etagMatches } from "./if-match.ts";
import type {
  ChangeOptions,
  ChangeOutcome,
  EnforcementMode,
  Health,
  PolicyControl,
  PolicyEdit,
  PolicySnapshot,
} from "./policy-control.ts";
import type { PolicyStorage } from "./policy-file.ts";

/** The kernel's side. One call is all or nothing, the same policy may be sent again, and it settles within a bound. */
export interface PolicyKernel {
  enforce(policy: CompiledPolicy): Promise<void>;
}

/** The operator's always-rules, as the files hold them. */
export type AlwaysLayers = Pick<PolicyLayers, "denyAlways" | "allowAlways">;

/** What lookups are decided by: while a change is under way (`pending`), a lookup must be allowed by both. */
export interface PolicyInForce {
  readonly active: CompiledPolicy;
  readonly pending: CompiledPolicy | undefined;
}

export interface ChangePolicyPorts {
  readonly kernel: PolicyKernel;
  /** Undefined where no policy file is set: the policy lives as long as the process. */
  readonly storage: PolicyStorage | undefined;
  readonly audit: Pick<AuditLog, "policyLoaded" | "policyUpdated" | "policyUpdateFailed">;
  /** What is to be true for `GET /healthz` beyond the policy: resolver transports, the ruleset. */
  readonly checkHealth: () => Promise<Health>;
}

export interface ChangePolicySettings {
  readonly enforcementMode: EnforcementMode;
  /** 0 is no cap. */
  readonly maxRules: number;
  readonly retryMs?: number;
}

export interface PolicyChanges extends PolicyControl {
  /** Costs one property read; the object changes only when the policy does. */
  inForce(): PolicyInForce;
  /** Puts the first policy into the kernel. Until then everything is denied. Throws ApplyError. */
  start(policy: Policy, always: AlwaysLayers, from: LoadedFrom): Promise<void>;
  /** Swaps the operator's rules, in the same queue as the changes of the user's policy. Throws ApplyError. */
  setAlwaysRules(always: AlwaysLayers): Promise<void>;
  /** Settles when every change asked for so far is done, and stops trying again what failed. */
  close(): Promise<void>;
}

export function createPolicyChanges(ports: ChangePolicyPorts, settings: ChangePolicySettings): PolicyChanges {
  const closing = new AbortController();
  let layers: PolicyLayers = { denyAlways: [], allowAlways: [], user: DENY_ALL };
  let inForce: PolicyInForce = { active: compilePolicy(layers), pending: undefined };
  let snapshot = describePolicy(DENY_ALL, settings.enforcementMode);
  let started = false;
  let kernelFault: string | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  function enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = queue.then(task);
    queue = result.catch(() => undefined);
    return result;
  }

  /** Kernel, then `commit`, then memory; on failure the kernel holds the old policy again. */
  async function enforce(next: PolicyLayers, commit: () => Promise<void>): Promise<void> {
    const { active } = inForce;
    const pending = compilePolicy(next);
    inForce = { active, pending };
    try {
      await ports.kernel.enforce(pending).catch((error: unknown) => {
        throw new ApplyError(error);
      });
      await commit();
    } catch (error) {
      await putBack();
      throw error;
    }
    layers = next;
    inForce = { active: pending, pending: undefined };
    snapshot = describePolicy(next.user, settings.enforcementMode);
    kernelFault = undefined;
  }

  /** Gives the kernel the policy in force again; also after a failed call, which may have been cut off after it took effect. */
  async function putBack(): Promise<void> {
    try {
      await ports.kernel.enforce(inForce.active);
      inForce = { active: inForce.active, pending: undefined };
      kernelFault = undefined;
    } catch (error) {
      if (kernelFault === undefined) void retryLater();
      kernelFault = `the kernel could not be given the policy in force again: ${describe(error)}`;
    }
  }

  async function retryLater(): Promise<void> {
    const retryMs = settings.retryMs ?? 1000;
    const options = { signal: closing.signal, ref: false };
    const due = await delay(retryMs, true, options).catch(() => false);
    if (!due) return;
    await enqueue(async () => {
      if (kernelFault === undefined) return;
      kernelFault = undefined;
      await putBack();
    });
  }

  async function changeUserPolicy(edit: PolicyEdit, options: ChangeOptions): Promise<ChangeOutcome> {
    const previous = snapshot;
    if (options.ifMatch !== undefined && !etagMatches(options.ifMatch, previous.etag)) {
      return { kind: "precondition-failed", etag: previous.etag };
    }
    const policy = applyEdit(previous.policy, edit);
    if (policy === undefined) return { kind: "unchanged", state: previous, previous };
    const count = policy.egress.length;
    if (settings.maxRules > 0 && count > settings.maxRules) {
      return { kind: "too-many-rules", count, limit: settings.maxRules };
    }
    if (options.dryRun !== true) await persistAndEnforce(policy, edit);
    const state = options.dryRun === true ? describePolicy(policy, settings.enforcementMode) : snapshot;
    return { kind: "changed", state, previous };
  }

  async function persistAndEnforce(policy: Policy, edit: PolicyEdit): Promise<void> {
    try {
      const staged = await ports.storage?.stage(policy);
      try {
        await enforce({ ...layers, user: policy }, async () => staged?.commit());
      } catch (error) {
        await staged?.discard();
        throw error;
      }
    } catch (error) {
      ports.audit.policyUpdateFailed(describe(error));
      throw error;
    }
    ports.audit.policyUpdated(edit);
  }

  return {
    snapshot: () => snapshot,
    inForce: () => inForce,
    change: (edit, options) => enqueue(() => changeUserPolicy(edit, options)),
    start: (policy, always, from) =>
      enqueue(async () => {
        await enforce({ ...always, user: policy }, async () => undefined);
        started = true;
        ports.audit.policyLoaded(policy, from);
      }),
    setAlwaysRules: (always) =>
      enqueue(async () => {
        if (sameTargets(always, layers)) return;
        try {
          await enforce({ ...layers, ...always }, async () => undefined);
        } catch (error) {
          ports.audit.policyUpdateFailed(describe(error));
          throw error;
        }
        ports.audit.policyUpdated({ kind: "always", ...always });
      }),
    async health() {
      if (!started) return { ok: false, reason: "the policy is not in the kernel yet" };
      return kernelFault === undefined ? ports.checkHealth() : { ok: false, reason: kernelFault };
    },
    async close() {
      closing.abort();
      await queue;
    },
  };
}

/** The policy after an edit; undefined when a removal finds nothing to remove. */
function applyEdit(policy: Policy, edit: PolicyEdit): Policy | undefined {
  if (edit.kind === "replace") return edit.policy;
  return edit.kind === "merge" ? mergeRules(policy, edit.rules) : removeFrom(policy, edit.targets);
}

function removeFrom(policy: Policy, targets: readonly Target[]): Policy | undefined {
  const { policy: left, removed } = removeTargets(policy, targets);
  return removed.length === 0 ? undefined : left;
}

function sameTargets(one: AlwaysLayers, other: AlwaysLayers): boolean {
  const keys = ({ denyAlways, allowAlways }: AlwaysLayers): string =>
    JSON.stringify([denyAlways, allowAlways].map((targets) => targets.map(({ key }) => key)));
  return keys(one) === keys(other);
}

function describePolicy(policy: Policy, enforcementMode: EnforcementMode): PolicySnapshot {
  return { policy, etag: policyEtag(policy), enforcementMode };
}
