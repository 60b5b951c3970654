/**
 * The policy in force, and its changes.
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
import { type EnforcementMode } from "../../netfilter/ruleset.ts";
import { type CompiledPolicy, compileSteps, mergeSteps, removalSteps } from "../../policy/compile.ts";
import { auditSteps, withoutAudit } from "../../policy/compile-audit.ts";
import { type IsRead, NONE_READ, speaksOfRequests } from "../../policy/http-flows.ts";
import type { PolicyLayers } from "../../policy/layers.ts";
import type { Rule } from "../../policy/rule.ts";
import { countScopes, MAX_SCOPES } from "../../policy/scope-limit.ts";
import type { Steps } from "../../policy/steps.ts";
import { type PolicyText, renderPolicyText, textSteps } from "../../policy/policy-text.ts";
import { DENY_ALL, type Policy } from "../../policy/policy.ts";
import { runInSlices } from "../../sys/in-slices.ts";
import { type PolicyKernel, createEnforcedLayers } from "./enforced-layers.ts";
import { describe } from "../errors.ts";
import { addedBy, type AlwaysLayers, applyEdit, areSame } from "./edits.ts";
import { etagMatches } from "./if-match.ts";
import type {
  ChangeOptions,
  ChangeOutcome,
  Health,
  PolicyControl,
  PolicyCoupling,
  PolicyEdit,
  PolicySnapshot,
} from "./policy-control.ts";
import type { PolicyStorage } from "./io/policy-file.ts";
import type { PolicyInForce, PolicyInForceCell } from "./policy-in-force.ts";
import { findUnservedApp } from "./unserved-apps.ts";
import { createReadHosts, findUnreadRule } from "./read-hosts.ts";
import { createKernelRetry } from "./retry-until-applied.ts";
import { createTaskQueue } from "./task-queue.ts";

export type { PolicyKernel };

export type { AlwaysLayers };

export interface ChangePolicyPorts {
  /** Written by changes, and by nothing else. */
  readonly inForce: PolicyInForceCell;
  readonly kernel: PolicyKernel;
  /** Undefined if no policy file is set: the policy lives as long as the process. */
  readonly storage: PolicyStorage | undefined;
  readonly audit: Pick<
    AuditLog,
    "policyLoaded" | "policyUpdated" | "policyUpdateFailed" | "auditModeChanged"
  >;
  /** Called with each policy that another has replaced, once it is in force: kernel, disk and memory. */
  readonly onReplaced?: (before: CompiledPolicy, after: CompiledPolicy) => void;
  /** Asked of each change of the user's policy, and told of every policy; default: nothing depends on it. */
  readonly coupling?: PolicyCoupling | undefined;
  /** What is to be true for `GET /healthz` beyond the policy: resolver transports, the ruleset. */
  readonly checkHealth: () => Promise<Health>;
}

export interface ChangePolicySettings {
  readonly enforcementMode: EnforcementMode;
  /** 0 is no cap. */
  readonly maxRules: number;
  /** Whether audit mode is on from the first policy on; default: it is off. */
  readonly auditMode?: boolean;
  /** Why no rule may ask what connections speak, with what to do about it; default: rules may. */
  readonly appsUnserved?: string | undefined;
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

/**
 * What a change leads to. `edit` makes the user's policy out of the one in force, if nothing else differs.
 */
interface NextPolicy {
  readonly layers: PolicyLayers;
  readonly edit: PolicyEdit | undefined;
  readonly text: PolicyText;
  readonly isAudit: boolean;
  /** What it compiles to without audit mode, where that is known. */
  readonly compiled?: CompiledPolicy | undefined;
  /** Which hosts' requests are read; default: those that are by now. */
  readonly isRead?: IsRead;
}

export function createPolicyChanges(ports: ChangePolicyPorts, settings: ChangePolicySettings): PolicyChanges {
  const { audit } = ports;
  const queue = createTaskQueue();
  const enforced = createEnforcedLayers(ports.kernel, ports.inForce);
  const retry = createKernelRetry(enforced, queue, settings.retryMs ?? 1000);
  let { user: userPolicy } = enforced.layers();
  let text = renderPolicyText(userPolicy);
  let isStarted = false;
  const isAudit = (): boolean => ports.inForce.read().active.audits !== undefined;

  function describePolicy(policy: Policy, { etag }: PolicyText): PolicySnapshot {
    return { policy, etag: etag(), enforcementMode: settings.enforcementMode };
  }
  let described: PolicySnapshot | undefined;
  const snapshot = (): PolicySnapshot => (described ??= describePolicy(userPolicy, text));

  /** What it gives changes with the bindings: a compiled policy goes by those of its time. */
  const readNow = (): IsRead => ports.coupling?.readHosts() ?? NONE_READ;
  const readHosts = createReadHosts({
    layers: enforced.layers,
    active: () => withoutAudit(ports.inForce.read().active),
    replace: (isRead) =>
      audited(() =>
        replace({ layers: enforced.layers(), edit: undefined, text, isAudit: isAudit(), isRead }),
      ),
  });

  async function replace(next: NextPolicy, commit = async (): Promise<void> => undefined): Promise<void> {
    const before = ports.inForce.read().active;
    try {
      await enforced.replace(next.layers, await compile(next), commit);
    } finally {
      retry.begin();
    }
    text = next.text;
    userPolicy = next.layers.user;
    described = undefined;
    readHosts.replaced(next.isRead ?? readNow());
    const { active } = ports.inForce.read();
    ports.onReplaced?.(before, active);
    if (next.isRead === undefined) ports.coupling?.replaced(withoutAudit(active));
  }

  /** While it compiles, lookups go on under the policy in force. */
  async function compile(next: NextPolicy): Promise<CompiledPolicy> {
    const policy = next.compiled ?? (await runInSlices(compileEdit(next)));
    return next.isAudit ? runInSlices(auditSteps(next.layers, policy)) : policy;
  }

  function compileEdit({
    layers,
    edit,
    isRead = readNow(),
  }: Pick<NextPolicy, "layers" | "edit" | "isRead">): Steps<CompiledPolicy> {
    const before = withoutAudit(ports.inForce.read().active);
    const isOfFlows = before.requests === undefined && !speaksOfRequests(addedBy(edit));
    if (!isOfFlows) return compileSteps(layers, isRead);
    if (edit?.kind === "merge") return mergeSteps(before, edit.rules);
    if (edit?.kind === "remove") return removalSteps(before, edit.targets);
    return compileSteps(layers, isRead);
  }

  async function change(edit: PolicyEdit, options: ChangeOptions): Promise<ChangeOutcome> {
    const previous = snapshot();
    if (options.ifMatch !== undefined && !etagMatches(options.ifMatch, previous.etag)) {
      return { kind: "precondition-failed", etag: previous.etag };
    }
    const policy = await applyEdit(previous.policy, text, edit);
    if (edit.kind === "remove" && policy === previous.policy)
      return { kind: "unchanged", state: previous, previous };
    const refusal = refuseEdit(edit, policy);
    if (refusal !== undefined) return refusal;
    const layers = { ...enforced.layers(), user: policy };
    const compiled =
      ports.coupling?.isBound() === true ? await runInSlices(compileEdit({ layers, edit })) : undefined;
    const uncovered = compiled && ports.coupling?.findUncovered(compiled);
    if (uncovered !== undefined) return { kind: "coupled", reason: uncovered };
    const nextText = await runInSlices(textSteps(policy, text));
    if (options.dryRun === true)
      return { kind: "changed", state: describePolicy(policy, nextText), previous };
    await audited(() => persistAndReplace({ layers, edit, text: nextText, isAudit: isAudit(), compiled }));
    audit.policyUpdated(edit);
    return { kind: "changed", state: snapshot(), previous };
  }

  /** Why the edit is not made, which leads to this policy. */
  function refuseEdit(edit: PolicyEdit, policy: Policy): ChangeOutcome | undefined {
    const { maxRules, appsUnserved } = settings;
    const count = policy.egress.length;
    if (maxRules > 0 && count > maxRules) return { kind: "too-many-rules", count, limit: maxRules };
    const scopes = countScopes(policy);
    if (scopes > MAX_SCOPES) return { kind: "too-many-scopes", count: scopes };
    const unread = findUnreadRule(edit, readNow());
    if (unread !== undefined) return { kind: "unread", problem: unread };
    const unserved = appsUnserved === undefined ? undefined : findUnservedApp(edit, appsUnserved);
    return unserved && { kind: "unserved-app", problem: unserved };
  }

  async function persistAndReplace(next: NextPolicy): Promise<void> {
    const staged = await ports.storage?.stage(next.text);
    try {
      await replace(next, async () => staged?.commit());
    } catch (error) {
      await staged?.discard();
      throw error;
    }
  }

  async function startOver(layers: PolicyLayers, isAuditMode: boolean): Promise<void> {
    const rendered = await runInSlices(textSteps(layers.user));
    await replace({ layers, edit: undefined, text: rendered, isAudit: isAuditMode });
    audit.auditModeChanged(isAuditMode);
  }

  async function setAudit(isOn: boolean): Promise<void> {
    if (isOn === isAudit()) return;
    await audited(() => replace({ layers: enforced.layers(), edit: undefined, text, isAudit: isOn }));
    audit.auditModeChanged(isOn);
  }

  /** Why the operator's rules could not be put in force at the last try. */
  let alwaysFailure: string | undefined;
  async function setAlwaysRules(always: AlwaysLayers): Promise<void> {
    if (await areSame(always, enforced.layers())) return;
    const layers = { ...enforced.layers(), ...always };
    try {
      await replace({ layers, edit: undefined, text, isAudit: isAudit() });
    } catch (error) {
      // They are tried twice a second, again and again.
      if (describe(error) !== alwaysFailure) audit.policyUpdateFailed(describe(error));
      alwaysFailure = describe(error);
      throw error;
    }
    alwaysFailure = undefined;
    audit.policyUpdated({ kind: "always", ...always });
  }

  async function audited(task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      audit.policyUpdateFailed(describe(error));
      throw error;
    }
  }

  return {
    snapshot,
    inForce: ports.inForce.read,
    ruleCount() {
      const { denyAlways, allowAlways, user } = enforced.layers();
      return denyAlways.length + allowAlways.length + user.egress.length;
    },
    layers: enforced.layers,
    unreadRules: readHosts.unread,
    change: (edit, options) => queue.run(() => change(edit, options)),
    setAlwaysRules: (always) => queue.run(() => setAlwaysRules(always)),
    start: (policy, always, from) =>
      queue.run(async () => {
        await startOver({ ...always, user: policy }, settings.auditMode ?? false);
        isStarted = true;
        audit.policyLoaded(policy, from);
      }),
    denyAll: () => queue.run(() => startOver({ denyAlways: [], allowAlways: [], user: DENY_ALL }, false)),
    isAudit,
    async setAudit(isOn) {
      await queue.run(() => setAudit(isOn));
      return { kind: "set", isOn };
    },
    exclusively: (task) =>
      queue.run(async () => ({ kind: "done", value: await task(await readHosts.served(), readHosts) })),
    refresh: () =>
      queue.run(async () => {
        // Before the first policy there is none to give: on a restart an earlier process's ruleset is in
        // force.
        if (!isStarted) return undefined;
        await enforced.putBack();
        retry.begin();
        return enforced.fault();
      }),
    async health() {
      if (!isStarted) return { ok: false, reason: "the policy is not in the kernel yet" };
      const reason = enforced.fault();
      return reason === undefined ? ports.checkHealth() : { ok: false, reason };
    },
    async close() {
      retry.close();
      await queue.idle();
    },
  };
}
