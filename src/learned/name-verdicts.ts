import type { CompiledPolicy } from "../policy/compile.ts";
import { isDomainName } from "../policy/domain-name.ts";
import { opensFlows } from "../policy/flows-to-learn.ts";
import type { LearnedNames } from "./names.ts";

/** Whether a policy lets names give addresses, each name decided once. */
export interface NameVerdicts {
  /** A name by its number. */
  isAllowed(id: number, policy: CompiledPolicy): boolean;
  /** Call it before another policy is asked about, and if names may have gone: numbers are used again. */
  forget(): void;
}

const [ALLOWED, DENIED] = [1, 2];

export function createNameVerdicts(names: Pick<LearnedNames, "capacity" | "highest" | "text">): NameVerdicts {
  /** By number: what has been decided; 0 is nothing. */
  const verdicts = new Uint8Array(names.capacity + 1);
  return {
    isAllowed(id, policy) {
      if (verdicts[id] === 0) {
        const name = names.text(id);
        const isIt = isDomainName(name) && opensFlows(policy, name);
        verdicts[id] = isIt ? ALLOWED : DENIED;
      }
      return verdicts[id] === ALLOWED;
    },
    forget: () => void verdicts.fill(0, 0, names.highest() + 1),
  };
}
