import type { LearnedSet } from "../netfilter/learned-set.ts";

import type { RulesetApplier } from "../netfilter/io/nft.ts";

/** What has gone into the kernel since the start. A number each, counted where it happens. */
export interface KernelFigures {
  rulesets: number;
  rulesetFailures: number;
  /** Batches of learned addresses, not addresses. */
  learnedUpdates: number;
  learnedFailures: number;
  /** Rulesets loaded again because somebody else had changed them. */
  reconciled: number;
}

export function createKernelFigures(): KernelFigures {
  return { rulesets: 0, rulesetFailures: 0, learnedUpdates: 0, learnedFailures: 0, reconciled: 0 };
}

/** The same applier, counted. */
export function countRulesets(applier: RulesetApplier, figures: KernelFigures): RulesetApplier {
  return {
    async replace(ruleset, signal) {
      try {
        const applied = await applier.replace(ruleset, signal);
        figures.rulesets += 1;
        return applied;
      } catch (error) {
        figures.rulesetFailures += 1;
        throw error;
      }
    },
    declare: (sets) => applier.declare(sets),
    teardown: () => applier.teardown(),
  };
}

/**
 * The same set, counted. A commit of nothing is none: most answers bring addresses that are in force already.
 */
export function countLearned(set: LearnedSet, figures: KernelFigures): LearnedSet {
  let isQueued = false;
  return {
    ...set,
    add(key, timeoutMs, comment) {
      isQueued = true;
      set.add(key, timeoutMs, comment);
    },
    refresh(key, timeoutMs, comment) {
      isQueued = true;
      set.refresh(key, timeoutMs, comment);
    },
    remove(key) {
      isQueued = true;
      set.remove(key);
    },
    unrevoke(key) {
      isQueued = true;
      set.unrevoke(key);
    },
    revoke(key, timeoutMs, comment) {
      isQueued = true;
      set.revoke(key, timeoutMs, comment);
    },
    addPiece(key, element, timeoutMs, comment) {
      isQueued = true;
      set.addPiece(key, element, timeoutMs, comment);
    },
    removePiece(key, element) {
      isQueued = true;
      set.removePiece(key, element);
    },
    discard() {
      isQueued = false;
      set.discard();
    },
    commit() {
      if (!isQueued) return;
      isQueued = false;
      try {
        set.commit();
        figures.learnedUpdates += 1;
      } catch (error) {
        figures.learnedFailures += 1;
        throw error;
      }
    },
  };
}
