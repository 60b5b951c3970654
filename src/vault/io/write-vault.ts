import type { CompiledPolicy } from "../../policy/compile.ts";
import { type IsRead, NONE_READ } from "../../policy/http-flows.ts";
import { type Result, renderProblems } from "../../policy/problem.ts";
import type { VaultJson } from "../change/describe-state.ts";
import { findUncovered, listAllowedByDefault, validateSteps } from "../change/validate.ts";
import { readHostsOf } from "../change/read-hosts.ts";
import {
  type Changed,
  type ChangeSources,
  createState,
  invalid,
  mutateState,
  NOT_FOUND,
  type VaultState,
} from "../change/vault-state.ts";
import type { NewCredential } from "../request/vault-request.ts";
import type { Secret } from "../secret.ts";
import type {
  BindingsChange,
  PolicyLock,
  VaultChange,
  VaultControl,
  VaultOutcome,
  VaultRemoval,
} from "../vault-control.ts";
import type { VaultPorts } from "./vault-ports.ts";

type Values = ReadonlyMap<NewCredential, Secret>;

interface WriteParts extends Pick<VaultPorts, "audit" | "takeSteps" | "guardMemory"> {
  readonly lock: PolicyLock;
  readonly state: () => VaultState | undefined;
  readonly keep: (state: VaultState | undefined, policy: CompiledPolicy) => void;
  readonly describe: (state: VaultState) => VaultJson;
  readonly loadAll: (given: readonly NewCredential[]) => Promise<Result<Values>>;
}

interface Write {
  readonly kind: Exclude<VaultChange["kind"], "deleted">;
  /** The credentials whose values are to be read. */
  readonly given: readonly NewCredential[];
  readonly change: (before: VaultState | undefined, sources: ChangeSources) => Changed;
}

/** The writes of the vault, each made in the queue of the policy's changes. */
export function createVaultControl(parts: WriteParts): VaultControl {
  const { lock, state, keep, describe, audit } = parts;
  let lastId = 0;

  async function write({ kind, given, change }: Write): Promise<VaultOutcome> {
    // A caller gets the refusal of an impossible request before a command runs for it.
    const first = change(state(), { valueOf: () => undefined, nextId: () => 0 });
    if (!first.ok) return { kind: "refused", refusal: first.refusal };
    const values = await parts.loadAll(given);
    if (!values.ok) return { kind: "refused", ...invalid(renderProblems(values.problems)) };
    const valueOf = (credential: NewCredential): Secret | undefined => values.value.get(credential);
    const outcome = await lock.exclusively(async (policy, rules): Promise<VaultOutcome> => {
      const changed = await validate(
        parts,
        change(state(), { valueOf, nextId: () => (lastId += 1) }),
        policy,
      );
      if (!changed.ok) return { kind: "refused", refusal: changed.refusal };
      parts.guardMemory();
      const isRead = readHostsOf(changed.state.bindings.values());
      await rules.narrow(isRead);
      const next = withFreshValues(changed.state, state());
      keep(next, policy);
      await follow(parts, rules, { isRead, policy });
      const allowedByDefault = listAllowedByDefault(next.bindings.values(), policy);
      audit.vaultChanged({ kind, ...namesOf(next), allowedByDefault });
      return { kind: "done", state: describe(next) };
    });
    return outcome.kind === "closed" ? outcome : outcome.value;
  }

  return {
    describe() {
      const now = state();
      return now && describe(now);
    },
    create: (request) =>
      write({
        kind: "created",
        given: request.credentials,
        change: (before, sources) => createState(before, request, sources),
      }),
    mutate: (mutation) =>
      write({
        kind: "patched",
        given: [...mutation.credentials.replace, ...mutation.credentials.add],
        change: (before, sources) => mutateState(before, mutation, sources),
      }),
    async remove() {
      const outcome = await lock.exclusively(async (policy, rules): Promise<VaultRemoval> => {
        const before = state();
        if (before === undefined) return { kind: "refused", refusal: NOT_FOUND };
        await rules.narrow(NONE_READ);
        keep(undefined, policy);
        await rules.follow(NONE_READ);
        audit.vaultChanged({ kind: "deleted", ...namesOf(before), allowedByDefault: [] });
        return { kind: "removed" };
      });
      return outcome.kind === "closed" ? outcome : outcome.value;
    },
  };
}

/** By now the kernel may hold less than the caller asked for. */
async function follow(
  { state, keep }: Pick<WriteParts, "state" | "keep">,
  rules: BindingsChange,
  { isRead, policy }: { readonly isRead: IsRead; readonly policy: CompiledPolicy },
): Promise<void> {
  const now = await rules.follow(isRead);
  const kept = state();
  if (now !== policy && kept !== undefined) keep(kept, now);
}

async function validate(
  { takeSteps }: Pick<WriteParts, "takeSteps">,
  changed: Changed,
  policy: CompiledPolicy,
): Promise<Changed> {
  if (!changed.ok) return changed;
  const wrong =
    (await takeSteps(validateSteps(changed.state))) ??
    findUncovered(changed.state.bindings.values(), policy)?.message;
  return wrong === undefined ? changed : invalid(wrong);
}

/** A source may have been read again while the change was checked. */
function withFreshValues(next: VaultState, now: VaultState | undefined): VaultState {
  const credentials = new Map(next.credentials);
  for (const [name, { source }] of credentials) {
    const fresh = now?.credentials.get(name);
    if (fresh?.source === source) credentials.set(name, fresh);
  }
  return { ...next, credentials };
}

function namesOf({ revision, credentials, bindings }: VaultState) {
  return { revision, credentials: [...credentials.keys()], bindings: [...bindings.keys()] };
}
