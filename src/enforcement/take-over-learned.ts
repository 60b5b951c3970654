import type { LearnedSet } from "../netfilter/io/learned-set.ts";
import type { CompiledPolicy } from "../policy/compile.ts";
import { decideName } from "../policy/decide-name.ts";
import { inSlices } from "../sys/in-slices.ts";
import { countLearned, type KernelFigures } from "./kernel-figures.ts";
import { createLearnedAddresses, type LearnedAddresses } from "../learned/learned-addresses.ts";
import type { WithheldAddresses } from "../learned/withheld.ts";

export interface TakeOverOptions {
  readonly set: LearnedSet;
  readonly figures: KernelFigures;
  readonly graceSeconds: number;
  readonly withheld: WithheldAddresses;
  /** The one in force. */
  readonly policy: () => CompiledPolicy;
  readonly onFault: (message: string, error: unknown) => void;
}

/** The learned addresses, with what the kernel's sets hold already. Of 100,000, half a second and more is the kernel's. Throws LearnedSetError. */
export async function takeOverLearned({
  set,
  figures,
  graceSeconds,
  withheld,
  policy,
  onFault,
}: TakeOverOptions): Promise<LearnedAddresses> {
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
  await inSlices(learned.takeOver());
  return learned;
}
