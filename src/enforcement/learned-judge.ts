import { NO_SLOT } from "../dns/slot-index.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideName } from "../policy/decide-name.ts";
import { isDomainName } from "../policy/domain-name.ts";
import { isOpenTo } from "./learned-owners.ts";
import type { LearnedTable } from "./learned-table.ts";
import type { PolicyDifference } from "./policy-difference.ts";
import type { WithheldAddresses } from "./withheld-addresses.ts";

/** Finds the learned addresses that a policy would not admit: those that a rule denies, that are withheld, or that no allowed name owns. */
export interface LearnedJudge {
  /**
   * Slots. With a difference only what it may concern is judged, at some nanoseconds an address for the
   * rest: the policy before must have admitted all that is not withheld. Each name is decided once.
   */
  findDenied(policy: CompiledPolicy, difference: PolicyDifference | undefined): readonly number[];
}

const [ALLOWED, DENIED] = [1, 2];

export function createLearnedJudge(
  table: LearnedTable,
  withheld: Pick<WithheldAddresses, "has" | "list">,
): LearnedJudge {
  /** By name: what has been decided in this call; 0 is nothing. */
  const verdicts = new Uint8Array(table.names.capacity + 1);
  /** By name: an odd number where its decision may differ from the policy's before. */
  const differs = new Uint8Array(table.names.capacity + 1);

  function markDiffering({ names, bases }: PolicyDifference): void {
    differs.fill(0, 0, table.names.highest + 1);
    for (const name of names) differs[table.names.find(name)] = 1;
    differs[NO_SLOT] = 0;
    if (bases.length > 0) table.names.markBelow(bases, differs);
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
    if (!isOpenTo(policy, table.keyView(slot), withheld)) return false;
    return table.someOwner(slot, (id) => isAllowed(id, policy));
  }

  /** What is withheld may have been learned before it was. */
  const withheldSlots = (): readonly number[] =>
    withheld
      .list()
      .map((octets) => table.find(octets, 0, octets.length))
      .filter((slot) => slot !== NO_SLOT);

  return {
    findDenied(policy, difference) {
      verdicts.fill(0, 0, table.names.highest + 1);
      const isDenied = (slot: number): boolean => !isAdmitted(slot, policy);
      if (difference === undefined) return table.collect(undefined, []).filter(isDenied);
      markDiffering(difference);
      const found = new Set([...withheldSlots(), ...table.collect(differs, difference.prefixes)]);
      return [...found].filter(isDenied);
    },
  };
}
