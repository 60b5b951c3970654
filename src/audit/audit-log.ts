import type { DecisionSubscriber } from "../decisions/decision-event.ts";
import type { Policy } from "../policy/policy.ts";
import type { Removal } from "../policy/edit.ts";
import type { Rule } from "../policy/rule.ts";
import type { Target } from "../policy/target.ts";

/** Where the first policy came from. */
export type LoadedFrom = "policy file" | "environment" | "default";

/** What a change was asked to do; the audit shows this, not the whole policy that came of it. */
export type PolicyChange =
  | { readonly kind: "replace"; readonly policy: Policy }
  | { readonly kind: "merge"; readonly rules: readonly Rule[] }
  | { readonly kind: "remove"; readonly targets: readonly Removal[] }
  | {
      readonly kind: "always";
      readonly denyAlways: readonly Target[];
      readonly allowAlways: readonly Target[];
    };

/** Allowed lookups that a bound keeps from the upstreams until its minute is over. */
interface LimitedLookups {
  /** The name that is counted below; undefined for those that share one count. */
  readonly parent: string | undefined;
  readonly bound: "names" | "lookups";
  readonly perMinute: number;
  readonly layer: string;
  readonly rule: string | undefined;
}

/**
 * Somebody else had changed our rules in the kernel: what, and who it was, for people. `error`: why they are
 * not back yet.
 */
interface RulesetReconciled {
  readonly found: readonly string[];
  readonly by: readonly string[];
  readonly error: string | undefined;
}

/** Why events of one of the sidecar's own sockets were missed; undefined once they come again. */
interface WatchChange {
  readonly watch: string;
  readonly reason: string | undefined;
}

/** What a write has made of the credential vault: names, never values. */
interface VaultChange {
  readonly kind: "created" | "patched" | "deleted";
  readonly revision: number;
  readonly credentials: readonly string[];
  readonly bindings: readonly string[];
  /** Bindings with a host that no rule allows, but the default action does. */
  readonly allowedByDefault: readonly string[];
}

/**
 * A credential's source gives no value, or a binding is out of force: why; undefined once it is well again.
 */
interface VaultFault {
  readonly what: "credential" | "binding";
  readonly name: string;
  readonly sourceType?: string;
  readonly reason: string | undefined;
}

/** Decisions as events. Calls return at once and never throw; they are made on the lookup's way. */
export interface AuditLog {
  policyLoaded(policy: Policy, from: LoadedFrom): void;
  policyUpdated(change: PolicyChange): void;
  policyUpdateFailed(error: string): void;
  /** From now on each line says that it is on; called at the start, too. */
  auditModeChanged(isOn: boolean): void;
  rulesetReconciled(change: RulesetReconciled): void;
  watchChanged(change: WatchChange): void;
  vaultChanged(change: VaultChange): void;
  vaultFault(fault: VaultFault): void;
  /** Once: lookups wait, and none of these has ever answered. */
  upstreamsUnanswered(upstreams: readonly string[]): void;
  /** A lookup or a connection. The event is good during the call only. */
  readonly decided: DecisionSubscriber;
  /**
   * Once a minute and parent, however many lookups it concerns; no denial, so the webhook does not get it.
   */
  lookupsLimited(limit: LimitedLookups): void;
}
