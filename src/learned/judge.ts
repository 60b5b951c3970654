import { NO_SLOT } from "../tables/slot-index.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import type { Steps } from "../policy/steps.ts";
import { createNameVerdicts } from "./name-verdicts.ts";
import { isOpenTo } from "./owners.ts";
import type { LearnedTable } from "./table.ts";
import type { PolicyDifference } from "./policy-difference.ts";
import type { WithheldAddresses } from "./withheld.ts";

/**
 * Finds the learned addresses that a policy would not admit: those that a rule denies, that are withheld, or
 * that no allowed name owns. It looks in steps, between which addresses may come and go, and then once more
 * at those that have come.
 */
export interface LearnedJudge {
  /**
   * Slots; by the time that the caller comes to one it may be another address's, or admitted. With a
   * difference only what it may concern is judged, at some nanoseconds an address for the rest. The policy
   * before must have admitted all that is not withheld.
   */
  findDenied(policy: CompiledPolicy, difference: PolicyDifference | undefined): Steps<readonly number[]>;
  /**
   * Slots that the difference may concern, some in each step; all of them without one. Each may be another
   * address's by then.
   */
  findConcerned(difference: PolicyDifference | undefined): Steps<readonly number[]>;
  /** The same of what has come since the last step of `findDenied`, at once. */
  findDeniedSince(policy: CompiledPolicy): readonly number[];
}

/** Slots that are looked at in a step: some tenths of a millisecond where each of them is judged. */
const STEP = 512;

export function createLearnedJudge(
  table: LearnedTable,
  withheld: Pick<WithheldAddresses, "has" | "list">,
): LearnedJudge {
  const verdicts = createNameVerdicts(table.names);
  /** By name: an odd number where its decision may differ from the policy's before. */
  const differs = new Uint8Array(table.names.capacity + 1);

  function* markDiffering({ names, bases }: PolicyDifference): Steps<void> {
    differs.fill(0, 0, table.names.highest() + 1);
    for (const name of names) differs[table.names.find(name)] = 1;
    differs[NO_SLOT] = 0;
    if (bases.length > 0) yield* table.names.markBelow(bases, differs);
  }

  function isAdmitted(slot: number, policy: CompiledPolicy): boolean {
    if (!isOpenTo(policy, table.keyView(slot), withheld)) return false;
    return table.someOwner(slot, (id) => verdicts.isAllowed(id, policy));
  }

  /** What is withheld may have been learned before it was. */
  const withheldSlots = (): readonly number[] =>
    withheld
      .list()
      .map((octets) => table.find(octets, 0, octets.length))
      .filter((slot) => slot !== NO_SLOT);

  const allSlots = (): readonly number[] => Array.from({ length: table.highest() }, (_, index) => index + 1);

  /** The denied ones of some slots. Each name is decided once. */
  function judge(slots: readonly number[], policy: CompiledPolicy): readonly number[] {
    // Names may have gone since the last time, and their numbers been given to others.
    verdicts.forget();
    const denied: number[] = [];
    for (const slot of slots) if (table.isUsed(slot) && !isAdmitted(slot, policy)) denied.push(slot);
    return denied;
  }
  function concernedSlots(difference: PolicyDifference | undefined, from: number): readonly number[] {
    const found: number[] = [];
    for (let slot = from; slot < from + STEP; slot++)
      if (difference === undefined || table.isConcerned(slot, differs, difference.prefixes)) found.push(slot);
    return found;
  }

  return {
    *findDenied(policy, difference) {
      table.watch();
      const found = new Set<number>();
      const add = (slots: readonly number[]): void => slots.forEach((slot) => found.add(slot));
      if (difference !== undefined) yield* markDiffering(difference);
      for (let from = 1; from <= table.highest(); from += STEP) {
        add(judge(concernedSlots(difference, from), policy));
        yield;
      }
      add(judge(withheldSlots(), policy));
      return [...found];
    },
    *findConcerned(difference) {
      if (difference !== undefined) yield* markDiffering(difference);
      const found: number[] = [];
      for (let from = 1; from <= table.highest(); from += STEP) {
        found.push(...concernedSlots(difference, from));
        yield;
      }
      return found;
    },
    findDeniedSince: (policy) => judge(table.takeNoted() ?? allSlots(), policy),
  };
}
