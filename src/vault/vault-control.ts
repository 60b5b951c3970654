/** What the API does with the vault, and what changes of the policy ask of it. */
import type { CompiledPolicy } from "../policy/compile.ts";
import type { IsRead } from "../policy/http-flows.ts";
import type { VaultJson } from "./change/describe-state.ts";
import type { VaultRefusal } from "./change/vault-state.ts";
import type { SourceType, VaultMutation, VaultRequest } from "./request/vault-request.ts";

export type VaultOutcome =
  | { readonly kind: "done"; readonly state: VaultJson }
  | { readonly kind: "refused"; readonly refusal: VaultRefusal }
  /** What is wrong with this start: everything is denied until the sidecar starts again. */
  | { readonly kind: "closed"; readonly reason: string };

export type VaultRemoval = { readonly kind: "removed" } | Exclude<VaultOutcome, { readonly kind: "done" }>;

/**
 * Writes are made one after the other, in the same queue as changes of the policy, each as a whole or not at
 * all.
 */
export interface VaultControl {
  /** Undefined if there is no vault. */
  describe(): VaultJson | undefined;
  create(request: VaultRequest): Promise<VaultOutcome>;
  mutate(mutation: VaultMutation): Promise<VaultOutcome>;
  remove(): Promise<VaultRemoval>;
}

/**
 * Runs a task in the queue of the policy's changes. The task gets the policy that the user has set, also in
 * audit mode, with its rules for requests served.
 */
export interface PolicyLock {
  exclusively<T>(
    task: (policy: CompiledPolicy, bindings: BindingsChange) => Promise<T>,
  ): Promise<
    { readonly kind: "done"; readonly value: T } | { readonly kind: "closed"; readonly reason: string }
  >;
}

/** What a write asks of the policy, whose rules for requests depend on which hosts are bound. */
export interface BindingsChange {
  /**
   * Before the write: denies what will not be read. Throws if the kernel refuses it, and then nothing has
   * changed.
   */
  narrow(isRead: IsRead): Promise<void>;
  /** After it: allows what is read by now. Returns the policy in force. */
  follow(isRead: IsRead): Promise<CompiledPolicy>;
}

/** For a sidecar that can have no vault: it started closed, or intercepts nothing. */
export const NO_VAULT_CONTROL: VaultControl = {
  describe: () => undefined,
  create: async () => CLOSED,
  mutate: async () => CLOSED,
  remove: async () => CLOSED,
};

const CLOSED = { kind: "closed", reason: "this sidecar has no credential vault" } as const;

/** Events that deserve a line in the log; none holds a secret. */
export interface VaultAudit {
  vaultChanged(change: VaultChange): void;
  /** Why a credential's source, or a binding, fails; undefined once it works again. */
  vaultFault(fault: VaultFault): void;
}

export interface VaultChange {
  readonly kind: "created" | "patched" | "deleted";
  readonly revision: number;
  readonly credentials: readonly string[];
  readonly bindings: readonly string[];
  /** Bindings with a host that no rule allows, but the default action does. */
  readonly allowedByDefault: readonly string[];
}

export interface VaultFault {
  readonly what: "credential" | "binding";
  readonly name: string;
  readonly sourceType?: SourceType;
  readonly reason: string | undefined;
}
