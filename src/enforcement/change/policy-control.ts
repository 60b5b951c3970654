import type { BindingsChange } from "../../vault/vault-control.ts";
import { type EnforcementMode } from "../../netfilter/ruleset.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { Policy } from "../../policy/policy.ts";
import type { Removal } from "../../policy/edit.ts";
import type { IsRead } from "../../policy/http-flows.ts";
import type { Problem } from "../../policy/problem.ts";
import type { Rule } from "../../policy/rule.ts";

/** The user's policy as one change left it. */
export interface PolicySnapshot {
  readonly policy: Policy;
  /** A strong entity tag with its quotes. */
  readonly etag: string;
  readonly enforcementMode: EnforcementMode;
}

export type PolicyEdit =
  | { readonly kind: "replace"; readonly policy: Policy }
  | { readonly kind: "merge"; readonly rules: readonly Rule[] }
  | { readonly kind: "remove"; readonly targets: readonly Removal[] };

export interface ChangeOptions {
  /** The If-Match header as it was sent: `*` or a list of entity tags. */
  readonly ifMatch?: string;
  /** Answer what would change, and change nothing. */
  readonly dryRun?: boolean;
}

/** `previous` is the state that the edit was made on. With `dryRun`, `state` is what would be. */
export type ChangeOutcome =
  | {
      readonly kind: "changed" | "unchanged";
      readonly state: PolicySnapshot;
      readonly previous: PolicySnapshot;
    }
  | { readonly kind: "too-many-rules"; readonly count: number; readonly limit: number }
  /** Of different ports and protocols that rules name. */
  | { readonly kind: "too-many-scopes"; readonly count: number }
  /** Of addresses with ports, which the kernel holds: by which rule, and what to do. */
  | { readonly kind: "too-many-elements"; readonly problem: Problem }
  | { readonly kind: "precondition-failed"; readonly etag: string }
  /** Something that holds by the policy in force would not by this one: what, and by which rule. */
  | { readonly kind: "coupled"; readonly reason: string }
  /** A rule for requests names a host whose requests are not read: which, and what to do. */
  | { readonly kind: "unread"; readonly problem: Problem }
  /** A rule asks what connections speak, and nobody reads them: which, and what to do. */
  | { readonly kind: "unserved-app"; readonly problem: Problem }
  /** Everything is denied until the sidecar is started again: what is wrong with this start. */
  | { readonly kind: "closed"; readonly reason: string };

/** What else depends on the policy: credentials are bound to hosts that it has to allow. */
export interface PolicyCoupling {
  /** Whether there is anything to ask; asked on each change. */
  isBound(): boolean;
  /** Why the policy may not be put in force; audit mode does not count. */
  findUncovered(next: CompiledPolicy): string | undefined;
  /** Which hosts' requests are read as of now, a value; asked of rules with `http` alone. */
  readHosts(): IsRead;
  /** A policy is in force, which may be one that nobody asked about: the operator's files have changed. */
  replaced(policy: CompiledPolicy): void;
}

/** `closed`: as of a change. */
export type AuditOutcome =
  | { readonly kind: "set"; readonly isOn: boolean }
  | Extract<ChangeOutcome, { readonly kind: "closed" }>;

export type Health = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** What the API needs of the enforcement. */
export interface PolicyControl {
  snapshot(): PolicySnapshot;
  /**
   * Changes are made one after the other, each whole or not at all. `unchanged` means that a removal named no
   * rule of the policy; then nothing was written or applied. Throws PersistError and ApplyError, after which
   * the old policy holds.
   */
  change(edit: PolicyEdit, options: ChangeOptions): Promise<ChangeOutcome>;
  health(): Promise<Health>;
  /**
   * Whether audit mode is on: only what the operator always denies and the protections hold is blocked, and
   * what the policy would block is reported.
   */
  isAudit(): boolean;
  /**
   * In the same queue as changes; whoever comes here may be let through more. It ends with the process.
   * Throws ApplyError.
   */
  setAudit(isOn: boolean): Promise<AuditOutcome>;
  /**
   * Runs a task in the same queue as changes, with the policy in force; audit mode does not count, and rules
   * for requests are served. Throws ApplyError, by what the task asks `bindings` for.
   */
  exclusively<T>(
    task: (policy: CompiledPolicy, bindings: BindingsChange) => Promise<T>,
  ): Promise<
    { readonly kind: "done"; readonly value: T } | Extract<ChangeOutcome, { readonly kind: "closed" }>
  >;
}
