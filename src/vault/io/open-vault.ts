/**
 * The vault of one sandbox: its state, which exists in memory alone, and what follows from a change of it or
 * of the policy.
 *
 * A write reads its sources first, outside the policy's queue, so a slow command holds up no change of the
 * policy. Then it is made in the queue, where only the check for ambiguous bindings takes time. If a source
 * fails during a write, the write is refused. If it fails later, its credential loses its value: requests
 * that need it are refused until it can be read again.
 */
import type { CompiledPolicy } from "../../policy/compile.ts";
import type { IsRead } from "../../policy/http-flows.ts";
import { type Result, quote, refused, renderProblems } from "../../policy/problem.ts";
import { describeState, type VaultJson } from "../change/describe-state.ts";
import { putInForce } from "../change/put-in-force.ts";
import { createFaultTeller } from "../change/tell-faults.ts";
import { readHostsOf } from "../change/read-hosts.ts";
import { findUncovered } from "../change/validate.ts";
import { formerOf, type StoredCredential, type VaultState } from "../change/vault-state.ts";
import type { NewCredential } from "../request/vault-request.ts";
import type { Secret } from "../secret.ts";
import { createVaultCell, type Vault } from "../vault.ts";
import type { PolicyLock, VaultControl } from "../vault-control.ts";
import { NO_VAULT } from "../vault-in-force.ts";
import type { LoadSource } from "./load-source.ts";
import { createSourceRefresh } from "./refresh-sources.ts";
import type { VaultPorts } from "./vault-ports.ts";
import { createVaultControl } from "./write-vault.ts";

export interface OpenVault {
  readonly vault: Vault;
  /** For changes of the policy. */
  readonly coupling: {
    isBound(): boolean;
    findUncovered(next: CompiledPolicy): string | undefined;
    /** Which hosts' requests are read now. */
    readHosts(): IsRead;
    replaced(policy: CompiledPolicy): void;
  };
  /** For the API. */
  control(lock: PolicyLock): VaultControl;
  /** Stops reading sources again. */
  close(): void;
}

/** Empty, until a write. */
export function openVault(ports: VaultPorts): OpenVault {
  const cell = createVaultCell();
  let kept: { readonly state: VaultState; readonly policy: CompiledPolicy } | undefined;
  let lastTag = 0;
  const tellFaults = createFaultTeller(ports.audit);
  const refresh = createSourceRefresh({ load: ports.load, nowMs: ports.nowMs, onRead: takeValue });

  /** Synchronous: no request sees half of it. */
  function keep(state: VaultState | undefined, policy: CompiledPolicy): void {
    kept = state && { state, policy };
    lastTag += 1;
    cell.write(state === undefined ? NO_VAULT : putInForce(state, policy, lastTag));
    refresh.follow(state?.credentials.values() ?? []);
    tellFaults(cell.inForce());
  }

  /** The result of reading a source again. */
  function takeValue(credential: StoredCredential, result: Result<Secret>): void {
    const { name, source } = credential;
    if (kept?.state.credentials.get(name) !== credential) return;
    const problem = result.ok ? undefined : renderProblems(result.problems);
    const value = result.ok ? result.value : undefined;
    if (problem === credential.problem && value?.reveal() === credential.value?.reveal()) return;
    const next = { ...credential, value, former: formerOf(credential), problem };
    const credentials = new Map(kept.state.credentials).set(name, next);
    if (problem !== credential.problem)
      ports.audit.vaultFault({ what: "credential", name, sourceType: source.type, reason: problem });
    keep({ ...kept.state, credentials }, kept.policy);
  }

  function describe(state: VaultState): VaultJson {
    const { bindings } = cell.inForce();
    const problems = new Map(bindings.map(({ name, unavailable }) => [name, unavailable]));
    return describeState(state, (name) => problems.get(name));
  }

  const state = (): VaultState | undefined => kept?.state;
  const loadAll = async (given: readonly NewCredential[]) => loadEach(given, ports.load);
  return {
    vault: cell,
    coupling: {
      isBound: () => cell.inForce().hasBindings,
      findUncovered: (next) => kept && findUncovered(kept.state.bindings.values(), next)?.message,
      readHosts: () => readHostsOf(kept?.state.bindings.values() ?? []),
      replaced(next) {
        if (kept !== undefined) keep(kept.state, next);
      },
    },
    control: (lock) => createVaultControl({ ...ports, lock, state, keep, describe, loadAll }),
    close: () => refresh.close(),
  };
}

/** One after the other: a body may name many. */
async function loadEach(
  given: readonly NewCredential[],
  load: LoadSource,
): Promise<Result<ReadonlyMap<NewCredential, Secret>>> {
  const values = new Map<NewCredential, Secret>();
  for (const credential of given) {
    const loaded = await load(credential.source);
    if (!loaded.ok)
      return refused(`credential ${quote(credential.name)} has no value: ${renderProblems(loaded.problems)}`);
    values.set(credential, loaded.value);
  }
  return { ok: true, value: values };
}
