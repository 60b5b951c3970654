import { NO_SLOT } from "../dns/slot-index.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideAddress } from "../policy/decide-address.ts";
import { decideName } from "../policy/decide-name.ts";
import { isDomainName } from "../policy/domain-name.ts";
import type { LearnedTable } from "./learned-table.ts";
import type { PolicyDifference } from "./policy-difference.ts";

/** Finds the learned addresses that a policy would not admit: those that a rule denies, or that no allowed name owns. */
export interface LearnedJudge {
  /**
   * Slots. With a difference only what it may concern is judged, at some nanoseconds an address for the
   * rest: the policy before must have admitted all. Each name is decided once.
   */
  findDenied(policy: CompiledPolicy, difference: PolicyDifference | undefined): readonly number[];
}

const [ALLOWED, DENIED] = [1, 2];

export function createLearnedJudge(table: LearnedTable, capacity: number): LearnedJudge {
  /** By name: what has been decided in this call; 0 is nothing. */
  const verdicts = new Uint8Array(capacity + 1);
  /** By name: whether its decision may differ from the policy's before. */
  const differs = new Uint8Array(capacity + 1);

  function markDiffering({ names, bases }: PolicyDifference): void {
    differs.fill(0);
    for (const name of names) differs[table.names.find(name)] = 1;
    differs[NO_SLOT] = 0;
    for (const base of bases) table.names.markBelow(base, differs);
  }

  function isAllowed(id: number, policy: CompiledPolicy): boolean {
    if (verdicts[id] === 0) {
      const name = table.names.text(id);
      const isIt = isDomainName(name) && decideName(policy, name).action === "allow";
      verdicts[id] = isIt ? ALLOWED : DENIED;
    }
    return verdicts[id] === ALLOWED;
  }

  function isAdmitted(slot: number, policy: CompiledPolicy): boolean {
    const key = table.key(slot);
    const { action, rule } = decideAddress(policy, key, 0, key.length === 4 ? 4 : 16);
    if (rule !== undefined && action === "deny") return false;
    const count = table.ownerCount(slot);
    for (let place = 0; place < count; place++)
      if (isAllowed(table.ownerId(slot, place), policy)) return true;
    return false;
  }

  return {
    findDenied(policy, difference) {
      verdicts.fill(0);
      if (difference !== undefined) markDiffering(difference);
      const marks = difference === undefined ? undefined : differs;
      return table.collect(marks, difference?.prefixes ?? []).filter((slot) => !isAdmitted(slot, policy));
    },
  };
}
