/** Keeps AF_XDP from the workload, where connections are judged at all. */
import { readLinks } from "../../netfilter/io/namespace-network.ts";
import { setLinkDown } from "../../netfilter/io/set-link-down.ts";
import type { EnforcementMode } from "../../netfilter/ruleset.ts";
import { ONLY_LOOKUPS } from "../../protections/protection.ts";
import type { Protections } from "../../protections/protections.ts";
import { readDeathSignal } from "../../sys/death-signal.ts";
import { openHeldQueues, type WatchedQueues } from "../../xdp/io/open-held-queues.ts";

export interface HoldQueuesOptions {
  readonly enforcementMode: EnforcementMode;
  /** The file that names the processes which keep queues held across a restart. */
  readonly queueHoldersFile: string;
  readonly protections: Protections;
  readonly onFault: (message: string, error: unknown) => void;
}

/** Settles once each queue is held, or found not to be; reports `af-xdp`. Throws SystemCallError. */
export async function holdQueues(options: HoldQueuesOptions): Promise<WatchedQueues> {
  const { enforcementMode, queueHoldersFile: path, protections, onFault } = options;
  // A process that is to end with its parent is not started again.
  const outlive = readDeathSignal() === 0;
  if (enforcementMode !== "dns") {
    return openHeldQueues({ path, outlive, readLinks, setDown: setLinkDown, protections, onFault });
  }
  protections.report("af-xdp", ONLY_LOOKUPS);
  return { look: () => undefined, close: () => undefined };
}
