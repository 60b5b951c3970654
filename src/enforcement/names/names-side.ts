/** The reader of names beside the ruleset that hands it packets: the chains are filled, and filled again, whenever they may be empty. */
import { openQueueChains } from "../../netfilter/io/queue-chain.ts";
import type { RulesetApplier } from "../../netfilter/io/nft.ts";
import type { PolicyInForceCell } from "../change/policy-in-force.ts";
import type { NameRefused } from "../events.ts";
import { findNameFault } from "./name-fault.ts";
import { type NameReader, openNameReader } from "./name-reader.ts";
import type { NamesPlan } from "./prepare-names.ts";

export interface NamesSide {
  /** The netlink port of its own changes of the ruleset, and how many it has made. */
  readonly port: number;
  made(): number;
  /** The same applier; once a whole ruleset is in force, what it holds for names is asked of us. */
  ask(applier: RulesetApplier): RulesetApplier;
  /** Zeros until the first ruleset. */
  figures(): ReturnType<NameReader["figures"]>;
  /** Why packets were not told since the last look; to be asked about once a second. Throws KernelError, SystemCallError. */
  fault(): string | undefined;
  close(): void;
}

export interface NamesSideOptions {
  readonly plan: NamesPlan;
  readonly inForce: PolicyInForceCell;
  /** That of the ruleset in force. */
  readonly generation: () => number | undefined;
  readonly onRefused: (refused: NameRefused) => void;
}

const NO_FIGURES = { packets: 0, overruns: 0, refused: {}, flows: 0, octets: 0 };

/** Opens it in the current network namespace; packets are read from the first ruleset on, whose marks are ours. Throws SystemCallError. */
export function openNamesSide({ plan, inForce, generation, onRefused }: NamesSideOptions): NamesSide {
  const chains = openQueueChains();
  let reader: NameReader | undefined;

  function openReader(): NameReader {
    return openNameReader({
      ...plan,
      findFault: (shown) => findNameFault(inForce.read(), shown, plan.isStrict),
      generation: () => generation() ?? 0,
      nowMs: () => performance.now(),
      onRefused,
    });
  }

  return {
    port: chains.port,
    made: chains.made,
    ask: (applier) => ({
      ...applier,
      async replace(ruleset, signal) {
        const applied = await applier.replace(ruleset, signal);
        if (applied.isWhole) {
          reader ??= openReader();
          chains.fill();
        }
        return applied;
      },
    }),
    figures: () => reader?.figures() ?? NO_FIGURES,
    fault: () => reader?.look(),
    close() {
      reader?.close();
      chains.close();
    },
  };
}
