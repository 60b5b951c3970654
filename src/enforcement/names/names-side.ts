/**
 * The reader of names beside the ruleset that hands it packets: the chains are filled, and filled again,
 * whenever they may be empty.
 */
import { openQueueChains } from "../../netfilter/io/queue-chain.ts";
import type { RulesetApplier } from "../../netfilter/io/nft.ts";
import { openLiveFlows } from "../../netfilter/io/live-flows.ts";
import { keepOpen } from "../../sys/kept-open.ts";
import { createDeniedFlows, type DeniedFlows } from "./denied-flows.ts";
import { createNameLabels } from "./name-labels.ts";
import type { PolicyInForceCell } from "../change/policy-in-force.ts";
import type { NameRefused } from "../events.ts";
import { createGrowingCount } from "../refusals/growing-count.ts";
import { readQueueDrops } from "../../netfilter/io/queue-drops.ts";
import { tupleOf } from "./flow-keys.ts";
import type { FindFault } from "../../wire-names/flow.ts";
import { createTellBound, TOLD_PER_SECOND } from "./tell-bound.ts";
import { findAuditedFault, findNameFault } from "./name-fault.ts";
import { type NameReader, openNameReader } from "./name-reader.ts";
import type { NamesPlan } from "./prepare-names.ts";

export interface NamesSide {
  /** The netlink port of its own changes of the ruleset, and how many it has made. */
  readonly port: number;
  made(): number;
  /** The same applier; once a whole ruleset is in force, what it holds for names is asked of us. */
  ask(applier: RulesetApplier): RulesetApplier;
  /** See `denied-flows.ts`. Throws SystemCallError. */
  findDenied: DeniedFlows["find"];
  /** Zeros until the first ruleset. */
  figures(): ReturnType<NameReader["figures"]> & {
    /** Packets that the kernel had no room for in the queues. */
    readonly drops: number;
  };
  /**
   * Why packets were not told since the last look; to be asked about once a second. Throws KernelError,
   * SystemCallError.
   */
  fault(): string | undefined;
  close(): void;
}

export interface NamesSideOptions {
  readonly plan: NamesPlan;
  readonly inForce: PolicyInForceCell;
  /** That of the ruleset in force. */
  readonly generation: () => number | undefined;
  readonly onRefused: (refused: NameRefused) => void;
  readonly namesOf: (address: Uint8Array) => readonly string[];
}

const NO_FIGURES = { packets: 0, overruns: 0, refused: {}, flows: 0, octets: 0, refusals: 0 };

/**
 * Opens it in the current network namespace; packets are read from the first ruleset on, whose marks are
 * ours. Throws SystemCallError.
 */
export function openNamesSide(options: NamesSideOptions): NamesSide {
  const { plan, inForce, generation, onRefused, namesOf } = options;
  const chains = openQueueChains();
  const labels = createNameLabels();
  const flows = keepOpen(openLiveFlows);
  const drops = createGrowingCount();
  let reader: NameReader | undefined;
  const denied = createDeniedFlows({
    readVerified: (onFlow) => flows.use((opened) => opened.readVerified(onFlow)),
    takeShowing: (isDenied) => reader?.takeShowing(isDenied) ?? [],
    nameOf: ({ flow, label }) => label && labels.nameOf(label, namesOf(flow.destination)),
    end: (flow, mark) => reader?.end(flow, mark),
  });

  const bound = createTellBound(TOLD_PER_SECOND, () => performance.now());
  /** Once the verdict is out, which a connection waits for. */
  function tell(refused: NameRefused): void {
    if (!bound.admits()) return;
    const kept = { ...refused, address: Buffer.from(refused.address) };
    setImmediate(() => onRefused(kept));
  }
  const findFault = createFaultFinder(inForce, plan.isStrict, tell);
  function openReader(): NameReader {
    return openNameReader({
      ...plan,
      findFault,
      generation: () => generation() ?? 0,
      labels,
      nowMs: () => performance.now(),
      onRefused: tell,
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
    findDenied: denied.find,
    figures: () => ({
      ...(reader?.figures() ?? NO_FIGURES),
      drops: drops.take(reader === undefined ? 0 : readQueueDrops()),
    }),
    fault: () => reader?.look(),
    close() {
      reader?.close();
      chains.close();
      flows.close();
    },
  };
}

/** What audit mode lets through is reported as that. */
function createFaultFinder(
  inForce: PolicyInForceCell,
  isStrict: boolean,
  tell: (refused: NameRefused) => void,
): FindFault {
  return (shown, key) => {
    const policies = inForce.read();
    const { destination: address, destinationPort: port } = tupleOf(key);
    const flow = { isStrict, port };
    const fault = findNameFault(policies, shown, flow);
    const audited = fault === undefined ? findAuditedFault(policies, shown, flow) : undefined;
    if (audited !== undefined) {
      tell({ name: shown.name, reason: audited, address, port, isAudited: true });
    }
    return fault;
  };
}
