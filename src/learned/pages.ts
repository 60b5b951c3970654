import { NO_SLOT } from "../tables/slot-index.ts";
import { hasRunOut } from "./life.ts";
import type { LearnedTable } from "./table.ts";

/** One address in force. */
export interface LearnedAddress {
  readonly octets: Uint8Array;
  /** The latest first. */
  readonly owners: readonly string[];
  /** Undefined: not known, as the kernel did not say whether it took the address. */
  readonly leftMs: number | undefined;
  /** Since a lookup gave it, or a flow was seen to use it; some seconds too long at most. */
  readonly unusedMs: number;
}

export interface LearnedPage {
  readonly addresses: readonly LearnedAddress[];
  /** Where the next page begins; undefined after the last one. */
  readonly next: number | undefined;
}

/** Undefined if its time is over. */
export function describeSlot(table: LearnedTable, slot: number, nowMs: number): LearnedAddress | undefined {
  const untilMs = table.untilMs(slot);
  if (hasRunOut(untilMs, nowMs)) return undefined;
  return {
    octets: table.key(slot),
    owners: table.owners(slot),
    leftMs: untilMs === 0 ? undefined : Math.max(untilMs - nowMs, 0),
    unusedMs: Math.max(nowMs - table.usedMs(slot), 0),
  };
}

/** A page as `LearnedAddresses.list` promises it. */
export function listPage(
  table: LearnedTable,
  { after, limit, nowMs }: { readonly after: number; readonly limit: number; readonly nowMs: number },
): LearnedPage {
  const addresses: LearnedAddress[] = [];
  let slot = table.above(after);
  for (; slot !== NO_SLOT && addresses.length < limit; slot = table.above(slot)) {
    const address = describeSlot(table, slot, nowMs);
    if (address !== undefined) addresses.push(address);
  }
  return { addresses, next: slot === NO_SLOT ? undefined : slot - 1 };
}
