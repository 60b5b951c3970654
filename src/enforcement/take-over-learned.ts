import type { LearnedSet } from "../netfilter/io/learned-set.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideName } from "../policy/decide-name.ts";
import { countLearned, type KernelFigures } from "./kernel-figures.ts";
import { createLearnedAddresses, type LearnedAddresses } from "./learned-addresses.ts";
import type { WithheldAddresses } from "./withheld-addresses.ts";

export interface TakeOverOptions {
  readonly set: LearnedSet;
  readonly figures: KernelFigures;
  readonly graceSeconds: number;
  readonly withheld: WithheldAddresses;
  /** The one in force. */
  readonly policy: () => CompiledPolicy;
  readonly onFault: (message: string, error: unknown) => void;
}

/** The learned addresses, with what the kernel's sets hold already. Throws LearnedSetError. */
export function takeOverLearned({
  set,
  figures,
  graceSeconds,
  withheld,
  policy,
  onFault,
}: TakeOverOptions): LearnedAddresses {
  const learned = createLearnedAddresses({
    set: countLearned(set, figures),
    nowMs: () => performance.now(),
    graceSeconds,
    withheld,
    wildcardOf(qname) {
      const target = decideName(policy(), qname).rule?.target;
      return target?.kind === "wildcard" ? target.base : undefined;
    },
    onRefused: (error) => onFault("the kernel refused learned addresses", error),
  });
  learned.takeOver();
  return learned;
}
