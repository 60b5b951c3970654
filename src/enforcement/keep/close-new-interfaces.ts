/** An interface that appears is closed from its first instant, until a ruleset that knows it is in force. */
import { KernelError } from "../../netfilter/errors.ts";
import type { InterfaceDoor } from "../../netfilter/io/interface-door.ts";
import type { RulesetApplier } from "../../netfilter/io/nft.ts";
import { guardedDevices, type Ruleset } from "../../netfilter/ruleset.ts";
import { SystemCallError } from "../../sys/errors.ts";

/** Always there, and never closed. */
const LOOPBACK = "lo";

/**
 * The same applier. Before a ruleset that no longer knows an interface it is closed, and one that the ruleset
 * is the first to know is let through afterwards: what passes has its guard at every instant. If the kernel
 * refuses that, it calls `onFault`, new interfaces stay closed, and the next ruleset tries again.
 * In mode `dns` nothing is closed.
 */
export function closeNewInterfaces(
  applier: RulesetApplier,
  door: Pick<InterfaceDoor, "letThrough" | "remove">,
  onFault: (message: string, error: unknown) => void,
): RulesetApplier {
  /** What the first try has shown. */
  let isAble: boolean | undefined;
  /** Undefined if that is not known. */
  let through: readonly string[] | undefined;

  /** Undefined opens it for all. */
  function open(names: readonly string[] | undefined): void {
    if (isAble === false) return;
    through = undefined;
    try {
      if (names === undefined) door.remove();
      else isAble = door.letThrough(names);
      through = names ?? [];
    } catch (error) {
      if (!(error instanceof KernelError || error instanceof SystemCallError)) throw error;
      onFault("interfaces to come could not be closed or opened", error);
    }
  }

  return {
    ...applier,
    async replace(ruleset, signal) {
      const known = knownInterfaces(ruleset);
      const staying = known === undefined ? undefined : through?.filter((name) => known.includes(name));
      // A program that has changed our rules may have changed these; a rule in such a chain would keep nft(8)
      // busy
      // for ever.
      const isDoubtful = ruleset.over !== undefined;
      if (staying !== undefined && (isDoubtful || !isSame(through, staying))) open(staying);
      const applied = await applier.replace(ruleset, signal);
      if (applied.foundDrift || !isSame(through, known ?? [])) open(known);
      return applied;
    },
  };
}

/** Undefined in mode `dns`. */
function knownInterfaces(ruleset: Ruleset): readonly string[] | undefined {
  if (ruleset.mode === "dns") return undefined;
  return [LOOPBACK, ...guardedDevices(ruleset), ...ruleset.unguarded];
}

function isSame(one: readonly string[] | undefined, other: readonly string[]): boolean {
  return one?.length === other.length && other.every((name) => one.includes(name));
}
