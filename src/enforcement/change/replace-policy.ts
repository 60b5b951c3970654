/**
 * Puts one policy in the place of another: compile, kernel, commit, memory, and then all who go by it are
 * told. Who asks for it has a turn in the queue of changes.
 */
import type { AuditLog } from "../../audit/audit-log.ts";
import type { CompiledPolicy } from "../../policy/compile.ts";
import { withoutAudit } from "../../policy/compile-audit.ts";
import { type IsRead, NONE_READ } from "../../policy/http-flows.ts";
import { describe } from "../errors.ts";
import type { EnforcedLayers } from "./enforced-layers.ts";
import { type CompileBasis, compileNext, type NextPolicy } from "./next-policy.ts";
import type { PolicyCoupling } from "./policy-control.ts";
import type { PolicyInForceCell } from "./policy-in-force.ts";
import type { KernelRetry } from "./retry-until-applied.ts";
import type { UserPolicy } from "./user-policy.ts";

export interface ReplacementPorts {
  /** Written by changes, and by nothing else. */
  readonly inForce: PolicyInForceCell;
  /** Called with each policy that another has replaced, once it is in force: kernel, disk and memory. */
  readonly onReplaced?: (before: CompiledPolicy, after: CompiledPolicy) => void;
  /** Asked of each change of the user's policy, and told of every policy; default: nothing depends on it. */
  readonly coupling?: PolicyCoupling | undefined;
}

/** What a replacement changes. */
export interface ReplacedParts {
  readonly enforced: EnforcedLayers;
  readonly user: UserPolicy;
  /** It begins if the kernel may hold something else afterwards. */
  readonly retry: Pick<KernelRetry, "begin">;
}

export interface PolicyReplacement {
  isAudit(): boolean;
  basis(): CompileBasis;
  /** Which hosts' requests were read when the policy in force was compiled. */
  readWhenCompiled(): IsRead;
  /** The policy in force, to be put in force again with some of it changed. */
  again(): NextPolicy;
  /**
   * `commit` is called once the kernel holds the policy. Throws ApplyError, and what `commit` throws; the old
   * policy then holds.
   */
  replace(next: NextPolicy, commit?: () => Promise<void>): Promise<void>;
}

export function createPolicyReplacement(
  { inForce, onReplaced, coupling }: ReplacementPorts,
  { enforced, user, retry }: ReplacedParts,
): PolicyReplacement {
  let readWhenCompiled = NONE_READ;
  const isAudit = (): boolean => inForce.read().active.audits !== undefined;
  /** What it gives changes with the bindings: a compiled policy goes by those of its time. */
  const readNow = (): IsRead => coupling?.readHosts() ?? NONE_READ;
  const basis = (): CompileBasis => ({ before: withoutAudit(inForce.read().active), readNow });

  return {
    isAudit,
    basis,
    readWhenCompiled: () => readWhenCompiled,
    again: () => ({ layers: enforced.layers(), edit: undefined, text: user.text(), isAudit: isAudit() }),
    async replace(next, commit = async () => undefined) {
      const before = inForce.read().active;
      try {
        await enforced.replace(next.layers, await compileNext(next, basis()), commit);
      } finally {
        retry.begin();
      }
      user.replaced(next.layers.user, next.text);
      readWhenCompiled = next.isRead ?? readNow();
      const { active } = inForce.read();
      onReplaced?.(before, active);
      if (next.isRead === undefined) coupling?.replaced(withoutAudit(active));
    },
  };
}

/** Runs the task; its failure is thrown, and in the log. */
export async function tellFailure(
  audit: Pick<AuditLog, "policyUpdateFailed">,
  task: () => Promise<void>,
): Promise<void> {
  try {
    await task();
  } catch (error) {
    audit.policyUpdateFailed(describe(error));
    throw error;
  }
}
