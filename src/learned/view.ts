/** What others may see of learned addresses. Nothing changes by it. */
import { EVERY_FLOW, type FlowSet, NO_FLOWS } from "../policy/flow-set.ts";
import { NO_SLOT } from "../tables/slot-index.ts";
import * as life from "./life.ts";
import { describeSlot, type LearnedAddress, type LearnedPage, listPage } from "./pages.ts";
import type { RevokedAddresses } from "./revoked.ts";
import type { LearnedStore } from "./store.ts";

export interface LearnedView {
  /**
   * Up to `limit` addresses, from place `after` on, 0 being the first; a place past the end gives none.
   * Places stay while the table changes: an address that is in force through all pages comes at least once.
   * Costs by the page.
   */
  list(after: number, limit: number): LearnedPage;
  /** One that is in force: 4 octets or 16. */
  find(octets: Uint8Array): LearnedAddress | undefined;
  /** Whether the kernel may hold the address as learned: 4 octets or 16. */
  has(octets: Uint8Array): boolean;
  /** The flows to it that are let through: none if it is not held. */
  flowsOf(octets: Uint8Array): FlowSet;
  /** Whether addresses are held that not every flow may go to. */
  hasScoped(): boolean;
  /**
   * Names that gave the address, the latest first, also if a change has denied them since; none if that is
   * not known.
   */
  namesOf(octets: Uint8Array): readonly string[];
  size(): number;
}

export function createLearnedView(
  { table, scoped, clock }: LearnedStore,
  revoked: Pick<RevokedAddresses, "namesOf">,
): LearnedView {
  return {
    list: (after, limit) => listPage(table, { after, limit, nowMs: clock() }),
    find(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot === NO_SLOT ? undefined : describeSlot(table, slot, clock());
    },
    has(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot !== NO_SLOT && !life.hasRunOut(table.untilMs(slot), clock());
    },
    flowsOf(octets) {
      const slot = table.find(octets, 0, octets.length);
      if (slot === NO_SLOT || life.hasRunOut(table.untilMs(slot), clock())) return NO_FLOWS;
      return scoped.flowsOf(octets) ?? EVERY_FLOW;
    },
    hasScoped: () => scoped.size() > 0,
    namesOf(octets) {
      const slot = table.find(octets, 0, octets.length);
      return slot === NO_SLOT ? revoked.namesOf(octets) : table.owners(slot);
    },
    size: table.size,
  };
}
