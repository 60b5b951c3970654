/**
 * The policy in force, and its changes, one at a time: the user's (`change-user-policy.ts`), the operator's
 * (`always-rules.ts`), audit mode, what a change of the bindings makes of rules (`read-hosts.ts`). All end in
 * a replacement (`replace-policy.ts`).
 *
 * A change goes: edit, cap, text, write beside the file, compile, kernel, rename, memory, answer. It holds
 * the file's new text ready before the kernel is touched, because a rename hardly ever fails while a write
 * may (a full disk). Until the rename is done the old policy is what a restart finds, and after a failure the
 * kernel is given the old policy again. A kernel that refuses even that is said by `health` and tried again
 * each second: until it takes the old policy, lookups have to pass both.
 *
 * Known limit: a kernel port that never settles holds up all further changes; it is the port's part to have a
 * time limit.
 */
import type { AuditLog, LoadedFrom } from "../../audit/audit-log.ts";
import type { EnforcementMode } from "../../netfilter/ruleset.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Rule } from "../../policy/rule.ts";
import { type AlwaysLayers, createAlwaysChange } from "./always-rules.ts";
import { createUserChange, type UserChangePorts } from "./change-user-policy.ts";
import { createEnforcedLayers, type PolicyKernel } from "./enforced-layers.ts";
import type { Health, PolicyControl } from "./policy-control.ts";
import type { PolicyInForce } from "./policy-in-force.ts";
import { createPolicyStart } from "./policy-start.ts";
import { createReadHosts } from "./read-hosts.ts";
import type { EditLimits } from "./refuse-edit.ts";
import { createPolicyReplacement, type ReplacementPorts, tellFailure } from "./replace-policy.ts";
import { createKernelRetry } from "./retry-until-applied.ts";
import { createTaskQueue } from "./task-queue.ts";
import { createUserPolicy } from "./user-policy.ts";

export interface ChangePolicyPorts extends ReplacementPorts, UserChangePorts {
  readonly kernel: PolicyKernel;
  readonly audit: Pick<
    AuditLog,
    "policyLoaded" | "policyUpdated" | "policyUpdateFailed" | "auditModeChanged"
  >;
  /** What is to be true for `GET /healthz` beyond the policy: resolver transports, the ruleset. */
  readonly checkHealth: () => Promise<Health>;
}

export interface ChangePolicySettings extends EditLimits {
  readonly enforcementMode: EnforcementMode;
  /** Whether audit mode is on from the first policy on; default: it is off. */
  readonly auditMode?: boolean;
  readonly retryMs?: number;
}

export interface PolicyChanges extends PolicyControl {
  inForce(): PolicyInForce;
  /** Rules of the user and of the operator. */
  ruleCount(): number;
  /** The layers in force, as the operator's files and the user gave them. */
  layers(): PolicyLayers;
  /** Rules for requests that are denials now, since their hosts' requests are not read. */
  unreadRules(): readonly Rule[];
  /** Puts the first policy into the kernel. Until then everything is denied. Throws ApplyError. */
  start(policy: Policy, always: AlwaysLayers, from: LoadedFrom): Promise<void>;
  /** Swaps the operator's rules, in the same queue as the changes of the user's policy. Throws ApplyError. */
  setAlwaysRules(always: AlwaysLayers): Promise<void>;
  /**
   * Denies everything from now on, in kernel and memory; the policy file keeps what it holds. Throws
   * ApplyError.
   */
  denyAll(): Promise<void>;
  /**
   * Gives the kernel the policy in force again, in the same queue: the namespace has changed around it.
   * Settles with the reason of a failure, which is tried again.
   */
  refresh(): Promise<string | undefined>;
  /** Settles when every change asked for so far is done, and stops trying again what failed. */
  close(): Promise<void>;
}

export function createPolicyChanges(ports: ChangePolicyPorts, settings: ChangePolicySettings): PolicyChanges {
  const { audit } = ports;
  const queue = createTaskQueue();
  const enforced = createEnforcedLayers(ports.kernel, ports.inForce);
  const { layers } = enforced;
  const retry = createKernelRetry(enforced, queue, settings.retryMs ?? 1000);
  const user = createUserPolicy(layers().user, settings.enforcementMode);
  const replacement = createPolicyReplacement(ports, { enforced, user, retry });
  const { again, isAudit, replace } = replacement;
  const change = createUserChange(ports, { layers, user, replacement }, settings);
  const setAlwaysRules = createAlwaysChange(replacement, audit);
  const readHosts = createReadHosts({
    layers,
    active: () => replacement.basis().before,
    readWhenCompiled: replacement.readWhenCompiled,
    replace: (isRead) => tellFailure(audit, () => replace({ ...again(), isRead })),
  });
  const beginning = createPolicyStart({ enforced, retry, replacement }, audit);

  async function setAudit(isOn: boolean): Promise<void> {
    if (isOn === isAudit()) return;
    await tellFailure(audit, () => replace({ ...again(), isAudit: isOn }));
    audit.auditModeChanged(isOn);
  }

  return {
    snapshot: user.snapshot,
    inForce: ports.inForce.read,
    ruleCount: () => countRules(layers()),
    layers,
    unreadRules: readHosts.unread,
    start: (policy, always, from) =>
      queue.run(() => beginning.start({ ...always, user: policy }, settings.auditMode ?? false, from)),
    change: (edit, options) => queue.run(() => change(edit, options)),
    setAlwaysRules: (always) => queue.run(() => setAlwaysRules(always)),
    denyAll: () => queue.run(beginning.denyAll),
    isAudit,
    async setAudit(isOn) {
      await queue.run(() => setAudit(isOn));
      return { kind: "set", isOn };
    },
    exclusively: (task) =>
      queue.run(async () => ({ kind: "done", value: await task(await readHosts.served(), readHosts) })),
    refresh: () => queue.run(beginning.refresh),
    async health() {
      const reason = beginning.fault();
      return reason === undefined ? ports.checkHealth() : { ok: false, reason };
    },
    async close() {
      retry.close();
      await queue.idle();
    },
  };
}

function countRules({ denyAlways, allowAlways, user }: PolicyLayers): number {
  return denyAlways.length + allowAlways.length + user.egress.length;
}
