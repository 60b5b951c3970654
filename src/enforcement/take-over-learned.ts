import type { LearnedSet } from "../netfilter/io/learned-set.ts";
import { countLearned, type KernelFigures } from "./kernel-figures.ts";
import { createLearnedAddresses, type LearnedAddresses } from "./learned-addresses.ts";

export interface TakeOverOptions {
  readonly set: LearnedSet;
  readonly figures: KernelFigures;
  readonly onFault: (message: string, error: unknown) => void;
}

/** The learned addresses, with what the kernel's sets hold already. Throws LearnedSetError. */
export function takeOverLearned({ set, figures, onFault }: TakeOverOptions): LearnedAddresses {
  const learned = createLearnedAddresses({
    set: countLearned(set, figures),
    nowMs: () => performance.now(),
    onRefused: (error) => onFault("the kernel refused learned addresses", error),
  });
  learned.takeOver();
  return learned;
}
