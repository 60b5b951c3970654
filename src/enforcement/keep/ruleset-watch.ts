/**
 * Our rulesets and somebody else's hands: tells what we load from what others change, and reconciles their
 * changes.
 */
import type { AuditLog } from "../../audit/audit-log.ts";
import type { RulesetApplier } from "../../netfilter/io/nft.ts";
import { openRulesetMonitor } from "../../netfilter/io/ruleset-monitor.ts";
import type { KernelFigures } from "../kernel-figures.ts";
import { createReconciler, type Loading } from "./reconciler.ts";

export interface RulesetWatchOptions {
  /** Netlink ports whose transactions are our own. */
  readonly ownPorts: readonly number[];
  /** How many transactions these have made, but for batches of learned addresses. */
  readonly ownTransactions: () => number;
  /** Batches of learned addresses are counted there, and so are reconciliations. */
  readonly figures: KernelFigures;
  readonly audit: Pick<AuditLog, "rulesetReconciled">;
}

export interface RulesetWatch {
  /** The same applier; what it loads is known to be ours. */
  watch(applier: RulesetApplier): RulesetApplier;
  /** Reconciles from now on, also what has been changed before. */
  begin(loading: Loading): void;
  /**
   * Why changes were not told since the last look; to be asked about once a second. Throws SystemCallError.
   */
  fault(): string | undefined;
  /** Reasons why the ruleset may not be what it should. */
  faults(): readonly string[];
  close(): Promise<void>;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openRulesetWatch({
  ownPorts,
  ownTransactions,
  figures,
  audit,
}: RulesetWatchOptions): RulesetWatch {
  const reconciler = createReconciler({ audit, nowMs: () => performance.now() });
  const monitor = openRulesetMonitor({
    ownPorts,
    ownTransactions: () => figures.learnedUpdates + ownTransactions(),
    onForeignChange: reconciler.foreignChange,
  });
  return {
    watch: (applier) => ({
      ...applier,
      replace: (ruleset, signal) => monitor.whileApplying(() => applier.replace(ruleset, signal)),
      declare: (sets) => monitor.whileApplying(() => applier.declare(sets)),
    }),
    begin({ markDrifted, load }) {
      const counted = async (): Promise<string | undefined> => {
        const reason = await load();
        if (reason === undefined) figures.reconciled += 1;
        return reason;
      };
      reconciler.begin({ markDrifted, load: counted });
    },
    fault: monitor.fault,
    faults() {
      const reason = reconciler.fault();
      return reason === undefined ? [] : [reason];
    },
    async close() {
      monitor.close();
      await reconciler.close();
    },
  };
}
