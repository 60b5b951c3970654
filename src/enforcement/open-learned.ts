import { openLearnedSet } from "../netfilter/io/learned-set.ts";
import { countLearned, type KernelFigures } from "./kernel-figures.ts";
import { createLearnedAddresses, type LearnedAddresses } from "./learned-addresses.ts";

export interface OpenLearnedOptions {
  readonly figures: KernelFigures;
  readonly onFault: (message: string, error: unknown) => void;
}

/** Opens the kernel's sets in the current network namespace, and takes over what they hold. Throws SystemCallError, LearnedSetError. */
export function openLearned(
  { figures, onFault }: OpenLearnedOptions,
  undo: AsyncDisposableStack,
): LearnedAddresses {
  const set = countLearned(openLearnedSet(), figures);
  undo.defer(() => set.close());
  const learned = createLearnedAddresses({
    set,
    nowMs: () => performance.now(),
    onRefused: (error) => onFault("the kernel refused learned addresses", error),
  });
  learned.takeOver();
  return learned;
}
