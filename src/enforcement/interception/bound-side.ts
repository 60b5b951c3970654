import { type BoundAddresses, createBoundAddresses } from "../../intercept/bound-addresses.ts";
import { openBoundSet } from "../../netfilter/io/bound-set.ts";

/** The kernel's sets, opened before the ruleset's watch, which has to know them. */
export interface BoundSide {
  readonly addresses: BoundAddresses;
  /** The netlink port that its changes come from, and how many it has made. */
  readonly port: number;
  made(): number;
  close(): void;
}

/** Opens it in the current network namespace. Throws SystemCallError. */
export function openBoundSide(): BoundSide {
  const set = openBoundSet();
  const { port, made, close } = set;
  return { addresses: createBoundAddresses(set), port, made, close };
}
