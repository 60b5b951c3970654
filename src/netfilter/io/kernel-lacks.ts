/**
 * What a kernel lacks of what rulesets ask for: an egress hook, timeouts of flows, a log. Once a ruleset has
 * been refused, probes find it out, which nft(8) only checks; from then on rulesets go without it.
 */
import type { KernelError } from "../errors.ts";
import {
  guardedDevices,
  hasGuard,
  hasLog,
  hasTimeouts,
  type Ruleset,
  withoutGuard,
  withoutLog,
  withoutTimeouts,
} from "../ruleset.ts";

export interface UnguardedInterface {
  readonly name: string;
  /** For people. */
  readonly reason: string;
}

export interface KernelLacks {
  /** The ruleset without what the kernel is known to lack. */
  without(ruleset: Ruleset): Ruleset;
  /**
   * Whether the kernel turns out to lack something that the refused ruleset has. Throws KernelError if that
   * cannot be told.
   */
  learn(refused: Ruleset, signal?: AbortSignal): Promise<boolean>;
  /** The interfaces that the ruleset, as it was asked for, guards and the kernel does not. */
  unguardedOf(ruleset: Ruleset): readonly UnguardedInterface[];
}

/** Why the kernel refuses a ruleset, which is not put in force; undefined if it does not. */
export type CheckRuleset = (text: string, signal?: AbortSignal) => Promise<KernelError | undefined>;

export function createKernelLacks(check: CheckRuleset): KernelLacks {
  /** Why it has none; `undefined` as long as we do not know that it lacks them. */
  const lacks: Partial<Record<"guard" | "timeouts" | "log", string | undefined>> = {};

  async function probe(text: string, signal?: AbortSignal): Promise<string | undefined> {
    return (await check(text, signal))?.detail;
  }

  return {
    without(ruleset) {
      const guarded = lacks.guard === undefined ? ruleset : withoutGuard(ruleset);
      const timed = lacks.timeouts === undefined ? guarded : withoutTimeouts(guarded);
      return lacks.log === undefined ? timed : withoutLog(timed);
    },
    async learn(refused, signal) {
      if (hasGuard(refused)) lacks.guard = await probe(GUARD_PROBE, signal);
      if (lacks.guard !== undefined && hasGuard(refused)) return true;
      if (hasTimeouts(refused)) lacks.timeouts = await probe(TIMEOUT_PROBE, signal);
      if (lacks.timeouts !== undefined && hasTimeouts(refused)) return true;
      if (!hasLog(refused)) return false;
      lacks.log = await probe(LOG_PROBE, signal);
      return lacks.log !== undefined;
    },
    unguardedOf(ruleset) {
      if (lacks.guard === undefined || !hasGuard(ruleset)) return ruleset.unguarded.map(describeUnnameable);
      const reason = `the kernel has no netdev egress hook: ${lacks.guard}`;
      return [...guardedDevices(ruleset), ...ruleset.unguarded].map((name) => ({ name, reason }));
    },
  };
}

/** On `lo`, which is always there. */
const GUARD_PROBE = `table arp opensandbox_probe {
  chain output { type filter hook output priority 0; policy accept; }
}
table netdev opensandbox_probe {
  chain egress { type filter hook egress device "lo" priority 0; policy accept; }
}
`;

const TIMEOUT_PROBE = `table inet opensandbox_probe {
  ct timeout probe { protocol tcp; l3proto ip; policy = { close_wait : 3600 }; }
}
`;

const LOG_PROBE = `table inet opensandbox_probe {
  chain probe { log group 1 snaplen 64; }
}
`;

function describeUnnameable(name: string): UnguardedInterface {
  return { name, reason: "nft cannot be told its name" };
}
