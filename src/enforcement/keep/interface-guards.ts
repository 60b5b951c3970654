/**
 * Which interfaces raw frames cannot leave by: learnt from each ruleset that goes into the kernel, and
 * reported as a protection.
 */
import type { UnguardedInterface } from "../../netfilter/io/kernel-lacks.ts";
import type { RulesetApplier } from "../../netfilter/io/nft.ts";
import { type EnforcementMode, guardedDevices, type Ruleset } from "../../netfilter/ruleset.ts";
import { ONLY_LOOKUPS } from "../../protections/protection.ts";
import type { ProtectionState } from "../../protections/protection.ts";
import type { Protections } from "../../protections/protections.ts";
import { describe } from "../errors.ts";

/** All interfaces but `lo`. In mode `dns` nothing is guarded, and both are empty. */
export interface GuardedInterfaces {
  readonly guarded: readonly string[];
  readonly unguarded: readonly UnguardedInterface[];
}

export interface InterfaceGuards {
  /** The same applier, watched. */
  readonly applier: RulesetApplier;
  interfaces(): GuardedInterfaces;
  /**
   * The one that flows are admitted by; undefined in mode `dns`, and before this process has loaded a
   * ruleset.
   */
  generation(): number | undefined;
}

export function watchInterfaceGuards(
  applier: RulesetApplier,
  protections: Pick<Protections, "report">,
): InterfaceGuards {
  let interfaces: GuardedInterfaces = { guarded: [], unguarded: [] };
  let generation: number | undefined;

  function note(next: GuardedInterfaces, mode: EnforcementMode): void {
    interfaces = next;
    protections.report("raw-frames", mode === "dns" ? ONLY_LOOKUPS : describeGuards(next.unguarded));
  }

  function noteLoaded(ruleset: Ruleset, unguarded: readonly UnguardedInterface[]): void {
    const guarded = guardedDevices(ruleset).filter((name) => !hasName(unguarded, name));
    note({ guarded, unguarded }, ruleset.mode);
    generation = ruleset.mode === "dns" ? undefined : ruleset.generation;
    protections.report("connections", ruleset.mode === "dns" ? ONLY_LOOKUPS : { state: "on" });
  }

  /** What is in force stays: an interface that is new with the refused ruleset has no guard. */
  function noteRefused(ruleset: Ruleset, error: unknown): void {
    const wanted = [...guardedDevices(ruleset), ...ruleset.unguarded];
    const guarded = interfaces.guarded.filter((name) => wanted.includes(name));
    const reason = `its guard was refused: ${describe(error)}`;
    const unguarded = wanted
      .filter((name) => !guarded.includes(name))
      .map((name) => interfaces.unguarded.find((known) => known.name === name) ?? { name, reason });
    note({ guarded, unguarded }, ruleset.mode);
  }

  return {
    applier: {
      async replace(ruleset, signal) {
        try {
          const applied = await applier.replace(ruleset, signal);
          noteLoaded(ruleset, applied.unguarded);
          return applied;
        } catch (error) {
          noteRefused(ruleset, error);
          throw error;
        }
      },
      declare: (sets) => applier.declare(sets),
      teardown: () => applier.teardown(),
    },
    interfaces: () => interfaces,
    generation: () => generation,
  };
}

function hasName(interfaces: readonly UnguardedInterface[], name: string): boolean {
  return interfaces.some((one) => one.name === name);
}

/** A reason names this many, so that it stays a line. */
const NAMED = 4;

function describeGuards(unguarded: readonly UnguardedInterface[]): ProtectionState {
  if (unguarded.length === 0) return { state: "on" };
  const named = unguarded
    .slice(0, NAMED)
    .map(({ name, reason }) => `interface ${JSON.stringify(name)}: ${reason}`);
  const more = unguarded.length > NAMED ? [`and ${unguarded.length - NAMED} more`] : [];
  return { state: "off", reason: [...named, ...more].join(", ") };
}
